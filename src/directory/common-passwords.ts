/**
 * Tells the passwords that guessing starts with. Owns the words and the rules by which people make passwords of them: leaked lists
 * are little else. The words were collected by hand for this file and carry the licence of the project; no list was copied.
 * What is used most as it stands is in `leaked-passwords.ts`.
 */

/** What people use as a password, or make one of, in the languages that lists of leaked passwords are mostly written in. */
const words = `
password passwort passwd passw pass passphrase kennwort contrasena contrasenya motdepasse senha parola parool haslo heslo lozinka
wachtwoord losenord adgangskode salasana geheim geheimnis secret topsecret mysecret letmein welcome willkommen bienvenue benvenuto
bienvenido login logon signin admin administrator administrador root toor system superuser user username guest gast test tester
testing default master changeme change changeit temp temporary temppass demo sample example server service database oracle mysql
postgres postgresql windows linux ubuntu debian apple macbook iphone android samsung nokia sony google facebook twitter instagram
youtube amazon netflix microsoft yahoo hotmail outlook gmail internet computer laptop keyboard desktop office company corporate
business manager director support helpdesk access account money bank banking security secure private public network router cisco
hello hallo hola bonjour ciao salut servus namaste goodbye thanks danke please sorry
love iloveyou iloveu iloveme ilovegod loveyou loveme lovely lover loverboy lovergirl mylove truelove teamo tequiero tiamo jetaime
ichliebedich liebe amor amore amour corazon mivida miamor sweetheart sweet sweetie sweety honey darling baby babe babygirl babyboy
babe schatz schatzi cherie princess prince queen king princesa principessa prinzessin angel angels angelo heaven god godbless jesus
jesuschrist christ christian church faith hope bless blessed blessing grace trinity savior holy spirit maria allah muhammad bismillah
inshallah krishna ganesh shiva sairam buddha peace freedom liberty forever always together family mother father mama papa mommy
daddy mom dad mummy sister brother friends friend bestfriend buddy
dragon monkey tiger lion eagle falcon hawk phoenix wolf wolves bear bears panther panda puppy kitten kitty cat cats dog dogs doggy
horse pony rabbit bunny hamster turtle dolphin dolphins shark snake spider scorpion butterfly ladybug bird birdie chicken duck
penguin elephant giraffe zebra buffalo bull bulldog bulldogs husky fish fishing goldfish whale snoopy garfield mickey minnie donald
pluto goofy tigger winnie pooh bambi simba nemo dory shrek pikachu pokemon charizard digimon naruto sasuke sakura itachi goku vegeta
dragonball onepiece inuyasha bleach doraemon hellokitty barbie tinkerbell cinderella batman superman spiderman ironman hulk thor
wolverine joker robin catwoman starwars skywalker vader darthvader yoda jedi matrix neo trinity morpheus gandalf frodo legolas
hobbit mordor hogwarts harrypotter potter hermione dumbledore voldemort gryffindor slytherin twilight startrek enterprise picard
spock kirk terminator rambo rocky zorro godzilla kingkong transformers simpsons bart homer southpark cartman gameofthrones
football fussball futbol soccer baseball basketball softball volleyball hockey tennis golf cricket rugby boxing wrestling racing
running swimming skating skateboard snowboard surfing surfer biker motocross karate judo ninja samurai gymnast cheer cheerleader
liverpool arsenal chelsea manchester manutd mancity tottenham everton barcelona realmadrid madrid juventus juve milan intermilan
bayern borussia dortmund schalke werder hamburg celtic rangers benfica sporting porto ajax feyenoord galatasaray fenerbahce besiktas
corinthians palmeiras flamengo boca river messi ronaldo cristiano neymar beckham rooney zidane maradona pele lakers chicago bulls
celtics knicks heat warriors yankees redsox mets cubs dodgers giants cowboys steelers packers patriots eagles broncos raiders
dolphins vikings redskins saints chiefs ravens bengals browns jets rams texans michael jordan kobe lebron tiger
summer winter autumn fall spring sommer fruehling herbst january february march april may june july august september october november
december januar februar maerz mai juni juli oktober dezember monday tuesday wednesday thursday friday saturday sunday montag dienstag
mittwoch donnerstag freitag samstag sonntag today tomorrow birthday christmas weihnachten halloween easter newyear holiday vacation
weekend sunshine sunrise sunset sunny sun moon moonlight star stars starlight rainbow rain snow snowball snowflake storm thunder
lightning fire water earth wind ocean sea beach island river mountain forest flower flowers rose roses lily daisy jasmine violet
sunflower tulip garden nature cherry strawberry banana orange apple lemon peach melon mango pineapple coconut blueberry chocolate
cookie cookies candy sugar honey butter cheese pizza burger chicken bacon coffee tea beer vodka whiskey wine tequila martini
budweiser heineken corona cocacola coca pepsi sprite pepper ginger vanilla cinnamon cupcake muffin pumpkin peanut popcorn noodle
red blue green yellow orange purple pink black white silver golden gold brown grey gray schwarz blau rot gruen gelb weiss azul rojo
verde negro blanco amarillo blackie whitey diamond ruby emerald sapphire crystal pearl amber jade platinum
james john robert michael william david richard joseph thomas charles christopher daniel matthew anthony mark donald steven paul
andrew joshua kenneth kevin brian george edward ronald timothy jason jeffrey ryan jacob gary nicholas eric jonathan stephen larry
justin scott brandon benjamin samuel gregory frank alexander raymond patrick jack dennis jerry tyler aaron jose henry adam douglas
nathan peter zachary kyle walter harold jeremy ethan carl keith roger gerald christian terry sean arthur austin noah lawrence jesse
joe bryan billy jordan albert dylan bruce willie gabriel alan juan logan wayne ralph roy eugene randy vincent russell louis philip
bobby johnny bradley mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty margaret sandra ashley
kimberly emily donna michelle carol amanda dorothy melissa deborah stephanie rebecca sharon laura cynthia kathleen amy angela shirley
anna brenda pamela emma nicole helen samantha katherine christine debra rachel carolyn janet catherine maria heather diane ruth
julie olivia joyce virginia victoria kelly lauren christina joan evelyn judith megan andrea cheryl hannah jacqueline martha gloria
teresa ann sara madison frances kathryn janice jean abigail alice julia judy sophia grace denise amber doris marilyn danielle beverly
isabella theresa diana natalie brittany charlotte marie kayla alexis lori claudia sabrina tiffany crystal vanessa alexandra
alejandro carlos luis miguel pedro pablo fernando roberto eduardo ricardo antonio francisco javier sergio diego mario marco andres
jorge daniela gabriela carolina valentina camila mariana fernanda alejandra natalia andreas stefan thomas wolfgang klaus juergen hans
peter michael martin markus matthias christian sebastian tobias florian lukas felix maximilian leon paul jonas katrin sabine monika
petra susanne claudia nicole julia anna lena laura sophie marie ivan dmitri sergey sergei alexey andrey vladimir natasha olga tatiana
svetlana ahmed mohamed mohammed mustafa mehmet fatma ayse kumar raj ravi rahul amit priya pooja sunita anjali mahesh suresh ramesh
michel pierre jean nicolas julien camille chloe manon lea giulia giovanni giuseppe francesco alessandro andrea luca matteo
chester buster bailey max bella lucy molly daisy charlie sadie maggie sophie chloe toby cody jake duke rusty shadow smokey ginger
pepper oreo tucker sparky lucky happy princess precious peanut muffin misty missy coco rocky harley sammy scooter rex bandit oscar
hunter ranger killer warrior soldier army navy marine marines airforce police sniper assassin rebel pirate cowboy gangster gangsta
thug player playboy playgirl hacker hackers wizard magic magician merlin warlock vampire zombie ghost demon devil satan lucifer hell
evil dark darkness death dead skull blood metal rockstar rock rocknroll punk guitar guitarist bass drums drummer piano music musica
musik hiphop rapper dance dancer dancing singer metallica slipknot nirvana ironmaiden acdc korn linkinpark linkin greenday blink
eminem tupac rihanna beyonce shakira madonna britney jackson beatles elvis presley bieber justinbieber onedirection jonas hannah
montana selena gomez
mustang corvette camaro ferrari porsche lamborghini bmw mercedes audi volkswagen toyota honda nissan ford chevy chevrolet dodge jeep
yamaha kawasaki suzuki ducati harley davidson harleydavidson turbo nascar driver trucker truck
america usa american england english london paris france germany deutschland berlin muenchen hamburg koeln frankfurt wien austria
schweiz zuerich italia italy roma rome napoli spain espana mexico brasil brazil argentina colombia chile peru canada toronto montreal
australia sydney melbourne newzealand ireland irish dublin scotland scottish glasgow wales poland polska warszawa russia moscow
ukraine turkey turkiye istanbul india indian delhi mumbai pakistan china chinese beijing shanghai japan japanese tokyo korea seoul
philippines pinoy manila indonesia jakarta malaysia thailand bangkok vietnam africa nigeria kenya egypt israel jerusalem texas
florida california newyork boston chicago dallas houston denver seattle phoenix vegas lasvegas atlanta miami orlando detroit alaska
hawaii virginia carolina
trustno trustnoone whatever whatsup nothing something everything anything someone nobody noone forget forgot forgotten remember
neverforget idontknow dontknow iforgot ichweissnicht blahblah blah fuck fuckyou fuckoff fuckme fucker shit bullshit bitch bitches
asshole bastard cunt dick cock pussy sexy sexygirl sexyboy sexybitch sex sexsex porn boobs tits horny naughty crazy cutie cute
cutegirl hottie hotgirl beauty beautiful pretty gorgeous handsome badboy badgirl goodgirl goodboy girl girls boy boys woman lady
ladies man men superstar super superb hero legend legendary champion champ winner win winning victory number numberone best thebest
first perfect awesome amazing fantastic excellent wonderful great cool coolguy coolgirl coolman smart genius happy happiness smile
smiley funny lucky luckyme success power powerful strong energy dream dreams dreamer believe wish wishes destiny fantasy imagine
inspire passion desire paradise eternity infinity universe galaxy planet mars venus jupiter saturn neptune apollo zeus athena hercules
atlas titan olympus spartan sparta trojan gladiator caesar cleopatra napoleon einstein newton tesla
game games gamer gaming playstation xbox nintendo mario luigi zelda link sonic tetris minecraft roblox fortnite callofduty warcraft
starcraft diablo counterstrike counter strike halo doom quake runescape lineage leagueoflegends league legends pubg overwatch sims
final fantasy finalfantasy kingdom hearts kingdomhearts metalgear resident evil residentevil tekken streetfighter
school college university student teacher doctor nurse lawyer engineer pilot captain soldier fireman police driver artist writer
photo camera video movie cinema theater television radio phone mobile telephone number ticket travel airport airplane train station
hotel house home mansion castle kitchen garden window door mirror table chair pencil paper book books library science physics
chemistry biology history geography english mathematics math
blink access matrix mercury shadow midnight silver bullet hammer trigger thunderbird firebird blackbird blackjack casino poker aces
jackpot lottery million millionaire dollar dollars euro bitcoin crypto gucci prada chanel dior versace armani nike adidas puma reebok
qwerty qwertz azerty qwert asdf asdfgh zxcv zxcvbn qazwsx wsx qaz abc abcd abcde abcdef abcdefg xyz aaa bbb xxx zzz
letme open opensesame sesame abracadabra alakazam hocuspocus supercalifragilistic mustafa qwop
aloha babylon bamboo barney bigdaddy bigdog bigboy bigman biteme blowme bond jamesbond boomer bubba bubbles bubblegum calvin hobbes
carmen casper chicken chevelle cheyenne chipmunk classic clover compaq cooper dakota dallas dancer deepak dexter digital dude eclipse
element enigma falcon fender flash flipper florida forest freak friday froggy fuzzy gateway gemini genesis golfer goober gothic gunner
hardcore hotrod hotstuff indigo inferno jaguar jasper jersey josh junior kermit killme knight ladybird laser lauren lightning lonely
lucky maddog maverick maxwell mexican midnight mission monster moomoo morgan mountain nascar newlife nicole norman orchid packard
peaches phantom pickle pinkfloyd pirates popeye prince qwaszx raider rascal rebecca redhead redneck research sammie scarlet
scooby scoobydoo seven shaggy shannon sierra slayer smitty snickers sooner spanky spencer squirt starfish stealth stella stinky
sunday swordfish sylvester teddy teddybear tequila theman thumper tintin toyota travis trouble trumpet twister twinkle unicorn valerie
valentine viper voyager walker warcraft warriors whiskers willow wizard woody yankee zeppelin ledzeppelin zombie
`
  .trim()
  .split(/\s+/);

const common: ReadonlySet<string> = new Set(words);
const longestWord = Math.max(...words.map((word) => word.length));

/** Rows of keyboards and the orders of letters and digits; people run along them in either direction. */
const runs = [
  'abcdefghijklmnopqrstuvwxyzabc',
  '01234567890123456789',
  'qwertyuiopasdfghjklzxcvbnm',
  'qwertzuiopasdfghjklyxcvbnm',
  'azertyuiopqsdfghjklmwxcvbn',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p',
  'qazwsxedcrfvtgbyhnujmikolp',
  '1q2w3e4r5t6y7u8i9o0p',
  'q1w2e3r4t5y6u7i8o9p0',
  'zaq1xsw2cde3vfr4bgt5nhy6mju7',
  '147258369',
  '123654789',
  '123321123',
  'asdfghjklasdfghjkl',
  'zxcvbnmzxcvbnm',
  'asdqwezxc123',
];
const forwardsAndBack = runs.flatMap((run) => [run, [...run].reverse().join('')]);

const lookalikes: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '8': 'b',
  '@': 'a',
  $: 's',
  '!': 'i',
  '€': 'e',
};

/**
 * Tells whether a password is one of those that are guessed first: a common word or two with the usual digits and signs around
 * them and letters swapped for what looks like them, a run along the keyboard, a short piece again and again, a date. Pure.
 * @see NIST SP 800-63B-4 section 3.1.1.2
 */
export function isCommonPassword(password: string): boolean {
  const folded = password.normalize('NFKC').toLowerCase();
  if (/^[\d\s./-]{1,11}$/.test(folded) || isRepetition(folded) || isRun(folded)) return true;
  const bare = withoutTrimming(folded);
  return [folded, bare, swapped(folded, 'i'), swapped(bare, 'i'), swapped(folded, 'l'), swapped(bare, 'l')]
    .map(withoutTrimming)
    .some((text) => isMadeOfWords(text.replaceAll(/[^a-z]/g, '')) && addsLittle(folded, text));
}

/** Takes away digits and signs around a word. */
function withoutTrimming(text: string): string {
  return text.replace(/^[^a-z]+/, '').replace(/[^a-z]+$/, '');
}

function swapped(text: string, one: 'i' | 'l'): string {
  return [...text].map((sign) => (sign === '1' ? one : (lookalikes[sign] ?? sign))).join('');
}

/** What stands beside the words is a year, a few digits or signs, and not most of the password. */
function addsLittle(folded: string, words: string): boolean {
  return folded.length - words.length <= Math.max(6, words.length);
}

/** One common word, two of them, or one twice. */
function isMadeOfWords(text: string): boolean {
  if (text.length < 2 || text.length > 2 * longestWord) return false;
  if (common.has(text)) return true;
  for (let cut = 2; cut <= text.length - 2; cut += 1) {
    if (common.has(text.slice(0, cut)) && common.has(text.slice(cut))) return true;
  }
  return false;
}

/** The same piece of at most four characters from beginning to end. */
function isRepetition(text: string): boolean {
  for (let period = 1; period <= 4 && period * 2 <= text.length; period += 1) {
    const piece = text.slice(0, period);
    if (piece.repeat(Math.ceil(text.length / period)).startsWith(text)) return true;
  }
  return false;
}

/** A run, or two of them one after the other, each of four characters or more. */
function isRun(text: string): boolean {
  const within = (piece: string) => piece.length >= 3 && forwardsAndBack.some((run) => run.includes(piece));
  if (within(text)) return true;
  for (let cut = 3; cut <= text.length - 3; cut += 1) {
    if (within(text.slice(0, cut)) && within(text.slice(cut))) return true;
  }
  return false;
}
