/** Looks for secrets where none may be: in database files, dumps and logs, in every spelling that software gives them. */

/** A place that is searched, as bytes. */
export interface Haystack {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Pieces this long are as good as the whole: what is left can be guessed. */
const pieceCharacters = 16;

/** Lists every hit as `name: what, as spelled`; none is what is hoped for. Pure. @param secrets what it is → its value */
export function findSecrets(haystacks: readonly Haystack[], secrets: ReadonlyMap<string, string>): string[] {
  const hits: string[] = [];
  for (const { name, bytes } of haystacks) {
    // Latin-1 keeps each byte as one character, so that text and binary are searched alike.
    const text = bytes.toString('latin1');
    for (const [secret, what] of secrets) {
      const isThere = ([, needle]: [string, string]) => text.includes(needle);
      const found =
        [...spellings(secret)].find(isThere) ?? (hasBlock(text, secret) && [...pieces(secret)].find(isThere));
      if (found) hits.push(`${name}: ${what}, ${found[0]}`);
    }
  }
  return hits;
}

/** Every spelling of a whole secret, with its name. */
function* spellings(secret: string): Generator<[string, string]> {
  const bytes = Buffer.from(secret, 'utf8');
  yield ['raw', bytes.toString('latin1')];
  yield ['reversed', backwards(secret)];
  yield ['lower case', secret.toLowerCase()];
  yield ['upper case', secret.toUpperCase()];
  yield ['URL-encoded', encodeURIComponent(secret)];
  yield ['form-encoded', new URLSearchParams([['', secret]]).toString().slice(1)];
  yield ['JSON-escaped', JSON.stringify(secret).slice(1, -1)];
  yield ['hex', bytes.toString('hex')];
  yield ['hex in capitals', bytes.toString('hex').toUpperCase()];
  yield ['UTF-16', Buffer.from(secret, 'utf16le').toString('latin1')];
  for (const shift of [0, 1, 2]) {
    const inside = base64At(bytes, shift);
    if (inside.length < 8) continue;
    yield [`base64 at ${shift}`, inside];
    yield [`base64url at ${shift}`, inside.replaceAll('+', '-').replaceAll('/', '_')];
  }
}

function* pieces(secret: string): Generator<[string, string]> {
  for (let start = 0; start + pieceCharacters <= secret.length; start++) {
    const piece = secret.slice(start, start + pieceCharacters);
    yield ['a piece', piece];
    yield ['a piece, reversed', backwards(piece)];
  }
}

/** Whether one of the blocks is there, of half a piece each, of which every piece has one: far fewer to look for than pieces. */
function hasBlock(text: string, secret: string): boolean {
  const block = pieceCharacters / 2;
  for (let start = 0; start + block <= secret.length; start += block) {
    const one = secret.slice(start, start + block);
    if (text.includes(one) || text.includes(backwards(one))) return true;
  }
  return false;
}

const backwards = (text: string) => [...text].reverse().join('');

/** The characters of a longer base64 text that depend on these bytes alone, where they begin `shift` bytes into a group of three. */
function base64At(bytes: Buffer, shift: number): string {
  const text = Buffer.concat([Buffer.alloc(shift), bytes])
    .toString('base64')
    .replace(/=+$/, '');
  const first = Math.ceil((shift * 8) / 6);
  const last = Math.floor(((shift + bytes.length) * 8) / 6);
  return text.slice(first, last);
}
