// Improves the consent page: filters lists, selects what is shown, keeps the summary sentence current.
// The page is whole without it; what is granted is decided on the server from what was posted.

const form = document.getElementById('consent');
const summary = document.getElementById('summary');
const words = JSON.parse(summary.dataset.templates);
const rules = new Intl.PluralRules(words.locale);
const numbers = new Intl.NumberFormat(words.locale);
const lists = new Intl.ListFormat(words.locale, { type: 'conjunction' });

const checked = (name) => [...form.querySelectorAll(`input[name="${name}"]:checked`)];
const fill = (template, params) => template.replace(/\{([a-z_]+)\}/g, (_, name) => params[name] ?? '');

function plural(forms, count, params = {}) {
  const template = (count === 0 ? forms.zero : undefined) ?? forms[rules.select(count)] ?? forms.other;
  return fill(template, { ...params, count: numbers.format(count) });
}

/** The same steps as `summarize` in src/interaction/consent-summary.ts. */
function sentence() {
  // What a role of an API key carries counts like a ticked box.
  const carried = new Set(checked('role').flatMap((box) => box.dataset.carries.split(' ')));
  const capabilities = [...form.querySelectorAll('input[name="capability"]')]
    .filter((box) => box.checked || carried.has(box.value))
    .map((box) => ({ name: box.value, ...box.dataset }));
  const bound = (where) => capabilities.filter((capability) => capability.bound === where);
  const projects = checked('project').map((box) => {
    const role = box.closest('.pick').querySelector('select')?.selectedOptions[0];
    return role === undefined ? [] : role.dataset.carries?.split(' ');
  });
  const servers = checked('mcp_server').length;
  const actions = bound('organization').map(({ phrase }) => phrase);

  let nested = false;
  const byCount = new Map();
  for (const { name, phrase } of bound('project')) {
    const count = projects.filter((carries) => carries?.includes(name) ?? true).length;
    byCount.set(count, [...(byCount.get(count) ?? []), phrase]);
  }
  for (const [count, inThem] of byCount) {
    nested ||= inThem.length > 1;
    actions.push(plural(words.inProjects, count, { actions: lists.format(inThem) }));
  }

  const onServers = bound('mcp_server').filter(({ phrase }) => phrase !== '');
  nested ||= onServers.length > 1;
  if (bound('mcp_server').length > onServers.length) actions.push(plural(words.callServers, servers));
  if (onServers.length > 0) {
    const list = lists.format(onServers.map(({ phrase }) => phrase));
    actions.push(plural(words.onServers, servers, { actions: list }));
  }

  // Where an action is a list itself, a stronger "and" tells where it ends.
  const joined =
    nested && actions.length > 1
      ? fill(words.compound, { before: actions.slice(0, -1).join(', '), last: actions.at(-1) })
      : lists.format(actions);
  const until = checked('lifetime')[0]?.dataset.phrase ?? '';
  return actions.length === 0
    ? fill(words.nothing, { who: words.who })
    : fill(words.sentence, { who: words.who, actions: joined, until });
}

function refresh() {
  const text = sentence();
  if (summary.textContent !== text) summary.textContent = text;
}

form.addEventListener('change', (event) => {
  // Choosing a role for a project means picking the project.
  if (event.target.matches('.pick__role')) {
    event.target.closest('.pick').querySelector('.pick__box').checked = true;
  }
  refresh();
});

// Enter in a box or a search field must not stand for "Authorize".
form.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || !event.target.matches('input')) return;
  event.preventDefault();
  // A list that is not all here is searched on the server.
  event.target.closest('.picker__tools')?.querySelector('[data-find]')?.click();
});

for (const tools of form.querySelectorAll('[data-filter]')) {
  const list = document.getElementById(tools.dataset.filter);
  const none = form.querySelector(`[data-none="${tools.dataset.filter}"]`);
  const rows = [...list.querySelectorAll('.pick')];
  tools.hidden = false;
  tools.querySelector('input').addEventListener('input', (event) => {
    const sought = event.target.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.dataset.text.toLowerCase().includes(sought);
    for (const group of list.querySelectorAll('.picks__group')) {
      group.hidden = group.querySelector('.pick:not([hidden])') === null;
    }
    none.hidden = rows.some((row) => !row.hidden);
  });
  tools.querySelector('[data-select-shown]')?.addEventListener('click', () => {
    for (const row of rows) if (!row.hidden) row.querySelector('.pick__box').checked = true;
    refresh();
  });
}

// The browser may have restored an earlier choice.
refresh();
