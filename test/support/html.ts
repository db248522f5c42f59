/**
 * Reads the HTML of our own pages far enough to fill in their forms as a person would: by label.
 * Not a browser's parser: it trusts that elements are closed in order, which the browser tests check.
 */

/** A place in a form that a person can fill in, tick, choose or press; hidden fields too. */
export interface Field {
  readonly name: string;
  /** The `type` of an input or button, or `select`, or `textarea`. */
  readonly type: string;
  /** What is sent when the form is sent as it stands; for a checkbox or radio button, when it is ticked. */
  readonly value: string;
  readonly checked: boolean;
  readonly disabled: boolean;
  /** The accessible name: `aria-label`, `aria-labelledby`, the label, or a button's own text. */
  readonly label: string;
  /** The choices of a select, in their order. */
  readonly options: readonly { readonly value: string; readonly label: string }[];
}

/** A form of a page. */
export interface Form {
  /** As written; the page's own address when empty. */
  readonly action: string;
  readonly method: 'get' | 'post';
  readonly fields: readonly Field[];
}

/** What was read from a page. */
export interface HtmlPage {
  readonly title: string;
  /** The visible text, with runs of white space as one blank. */
  readonly text: string;
  readonly forms: readonly Form[];
  readonly links: readonly { readonly href: string; readonly label: string }[];
}

/** Reads a page. Total: broken HTML gives whatever can be read from it. */
export function readHtml(html: string): HtmlPage {
  const root = parse(html);
  const all = descendants(root);
  const title = all.find(({ tag }) => tag === 'title');
  return {
    title: title ? textOf(title) : '',
    text: textOf(all.find(({ tag }) => tag === 'body') ?? root),
    forms: all.filter(({ tag }) => tag === 'form').map((form) => readForm(form, all)),
    links: all
      .filter(({ tag, attributes }) => tag === 'a' && attributes.has('href'))
      .map((link) => ({ href: link.attributes.get('href') ?? '', label: labelOf(link, all) })),
  };
}

interface Element {
  readonly tag: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: (Element | string)[];
  readonly parent: Element | undefined;
}

const voidTags = new Set(
  'area base br col embed hr img input link meta source track wbr path circle rect line'.split(' '),
);
const rawTags = new Set(['script', 'style', 'textarea', 'title']);
const tagPattern = /<!--[\s\S]*?-->|<![^>]*>|<(\/?)([a-zA-Z][\w-]*)((?:"[^"]*"|'[^']*'|[^'">])*)>/g;
const attributePattern = /([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+)))?/g;

function parse(html: string): Element {
  const root: Element = { tag: '', attributes: new Map(), children: [], parent: undefined };
  let open = root;
  let read = 0;
  tagPattern.lastIndex = 0;
  for (let match = tagPattern.exec(html); match !== null; match = tagPattern.exec(html)) {
    open.children.push(decode(html.slice(read, match.index)));
    read = tagPattern.lastIndex;
    const tag = match[2]?.toLowerCase();
    if (tag === undefined) continue;
    if (match[1] === '/') {
      open = closeTag(open, tag);
      continue;
    }
    const element: Element = { tag, attributes: attributesOf(match[3] ?? ''), children: [], parent: open };
    open.children.push(element);
    if (voidTags.has(tag) || match[3]?.endsWith('/')) continue;
    if (rawTags.has(tag)) {
      const end = html.toLowerCase().indexOf(`</${tag}`, read);
      const text = html.slice(read, end < 0 ? html.length : end);
      element.children.push(tag === 'script' || tag === 'style' ? '' : decode(text));
      read += text.length;
      tagPattern.lastIndex = read;
    }
    open = element;
  }
  open.children.push(decode(html.slice(read)));
  return root;
}

/** Closes the nearest open element of that name; a stray end tag closes nothing. */
function closeTag(open: Element, tag: string): Element {
  for (let element: Element | undefined = open; element?.parent; element = element.parent) {
    if (element.tag === tag) return element.parent;
  }
  return open;
}

function attributesOf(source: string): Map<string, string> {
  return new Map(
    [...source.matchAll(attributePattern)].map(([, name = '', double, single, bare]) => [
      name.toLowerCase(),
      decode(double ?? single ?? bare ?? ''),
    ]),
  );
}

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
  hellip: '…',
  middot: '·',
};

function decode(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hexadecimal, decimal, name) => {
    if (name !== undefined) return entities[name] ?? whole;
    return String.fromCodePoint(Number.parseInt(hexadecimal ?? decimal, hexadecimal ? 16 : 10));
  });
}

function descendants(element: Element): Element[] {
  return element.children.flatMap((child) =>
    typeof child === 'string' ? [] : [child, ...descendants(child)],
  );
}

/** The text inside an element; the contents of fields are values, not text. */
function textOf(element: Element): string {
  const read = (node: Element | string): string => {
    if (typeof node === 'string') return node;
    if (['select', 'textarea', 'script', 'style', 'template'].includes(node.tag)) return '';
    const inside = node.children.map(read).join('');
    return inlineTags.has(node.tag) ? inside : ` ${inside} `;
  };
  return element.children.map(read).join('').replace(/\s+/g, ' ').trim();
}

const inlineTags = new Set(
  'a abbr b bdi code em i kbd mark q s small span strong sub sup time u var wbr'.split(' '),
);

function readForm(form: Element, all: readonly Element[]): Form {
  const id = form.attributes.get('id');
  const owned = all.filter((element) => {
    const owner = element.attributes.get('form');
    return owner === undefined ? isInside(element, form) : owner === id;
  });
  const fields = owned.filter(({ tag }) => ['input', 'select', 'textarea', 'button'].includes(tag));
  return {
    action: form.attributes.get('action') ?? '',
    method: form.attributes.get('method')?.toLowerCase() === 'post' ? 'post' : 'get',
    fields: fields.map((field) => readField(field, all)),
  };
}

function readField(field: Element, all: readonly Element[]): Field {
  const { tag, attributes } = field;
  const options = descendants(field).filter((child) => child.tag === 'option');
  const chosen = options.find((option) => option.attributes.has('selected')) ?? options[0];
  const optionValue = (option: Element) => option.attributes.get('value') ?? textOf(option);
  const type = (attributes.get('type') ?? (tag === 'button' ? 'submit' : 'text')).toLowerCase();
  const ticked = type === 'checkbox' || type === 'radio' ? 'on' : '';
  const written =
    tag === 'textarea' ? field.children.join('').replace(/^\n/, '') : (attributes.get('value') ?? ticked);
  return {
    name: attributes.get('name') ?? '',
    type: tag === 'select' || tag === 'textarea' ? tag : type,
    value: tag === 'select' ? (chosen ? optionValue(chosen) : '') : written,
    checked: attributes.has('checked'),
    disabled: attributes.has('disabled') || isInDisabledSet(field),
    label: labelOf(field, all),
    options: options.map((option) => ({ value: optionValue(option), label: textOf(option) })),
  };
}

/** The accessible name, by the first of the ways that our pages use. */
function labelOf(element: Element, all: readonly Element[]): string {
  const { tag, attributes } = element;
  const byId = (id: string) => all.find((other) => other.attributes.get('id') === id);
  const referred = attributes
    .get('aria-labelledby')
    ?.split(/\s+/)
    .map(byId)
    .filter((other) => other !== undefined);
  if (referred && referred.length > 0) return referred.map(textOf).join(' ');
  const given = attributes.get('aria-label');
  if (given) return given;
  if (tag === 'button' || tag === 'a') return textOf(element);
  if (tag === 'input' && attributes.get('type') === 'submit') return attributes.get('value') ?? '';
  const id = attributes.get('id');
  const label = all.find(
    (other) => other.tag === 'label' && (id ? other.attributes.get('for') === id : false),
  );
  const around = label ?? all.find((other) => other.tag === 'label' && isInside(element, other));
  return around ? textOf(around) : '';
}

function isInside(element: Element, outer: Element): boolean {
  for (let parent = element.parent; parent; parent = parent.parent) if (parent === outer) return true;
  return false;
}

function isInDisabledSet(element: Element): boolean {
  for (let parent = element.parent; parent; parent = parent.parent) {
    if (parent.tag === 'fieldset' && parent.attributes.has('disabled')) return true;
  }
  return false;
}
