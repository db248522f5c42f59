/** What an administration page is made of. Every page is drawn by `views/admin/page.ejs` from this alone, so all of them look alike. */

import type { PageNav } from '../../http/render.ts';
import type { OverviewBlock } from './overview-blocks.ts';

/** One piece of a cell. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string; readonly href?: string }
  | { readonly kind: 'code'; readonly text: string; readonly href?: string }
  | {
      readonly kind: 'badge';
      readonly text: string;
      readonly tone: 'plain' | 'accent' | 'good' | 'warning' | 'danger';
    }
  /** Integer seconds. */
  | { readonly kind: 'time'; readonly instant: number }
  | { readonly kind: 'muted'; readonly text: string };

export type Cell = readonly Piece[];

/** A button that is a form of its own. */
export interface Button {
  readonly action: string;
  readonly label: string;
  readonly hidden?: Readonly<Record<string, string>>;
  readonly tone?: 'primary' | 'danger';
  /** Only asks or shows: a link instead of a form. */
  readonly get?: boolean;
}

export type Field =
  /** Begins a part of a long form. */
  | { readonly kind: 'heading'; readonly label: string; readonly hint?: string }
  | {
      readonly kind: 'text' | 'email' | 'password' | 'lines';
      readonly name: string;
      readonly label: string;
      readonly value?: string;
      /** Offered while somebody types; anything else may be typed too. */
      readonly suggestions?: readonly string[];
      readonly hint?: string;
      readonly required?: boolean;
    }
  | {
      readonly kind: 'menu';
      readonly name: string;
      readonly label: string;
      readonly options: readonly {
        readonly value: string;
        readonly label: string;
        readonly selected?: boolean;
      }[];
      readonly hint?: string;
    }
  | {
      readonly kind: 'boxes';
      readonly name: string;
      readonly label: string;
      readonly boxes: readonly {
        readonly value: string;
        readonly label: string;
        readonly code?: string;
        readonly checked: boolean;
        readonly fixed?: boolean;
      }[];
      readonly hint?: string;
    };

export type Block =
  | OverviewBlock
  | {
      readonly kind: 'table';
      readonly title?: string;
      readonly text?: string;
      readonly columns: readonly string[];
      readonly rows: readonly { readonly cells: readonly Cell[]; readonly buttons?: readonly Button[] }[];
      readonly empty: string;
      /** Name of the column of buttons, where there is one. */
      readonly actions?: string;
    }
  | {
      readonly kind: 'facts';
      readonly title?: string;
      readonly facts: readonly { readonly term: string; readonly cell: Cell }[];
    }
  | {
      readonly kind: 'form';
      readonly title?: string;
      readonly text?: string;
      readonly action: string;
      readonly hidden?: Readonly<Record<string, string>>;
      readonly fields: readonly Field[];
      readonly submit: string;
      readonly tone?: 'primary' | 'danger';
      /** Where to go instead. */
      readonly cancel?: string;
    }
  | {
      readonly kind: 'buttons';
      readonly title?: string;
      readonly text?: string;
      readonly buttons: readonly Button[];
    }
  | {
      readonly kind: 'search';
      readonly action: string;
      readonly fields: readonly Field[];
      readonly create?: { readonly href: string; readonly label: string };
      /** Its button, where it is no search. */
      readonly submit?: string;
    }
  | { readonly kind: 'more'; readonly links: readonly { readonly href: string; readonly label: string }[] }
  | { readonly kind: 'secret'; readonly text: string; readonly secret: string };

/** What a page itself says; the frame is put around it. */
export interface AdminPage {
  readonly title: string;
  /** The list that it belongs to. */
  readonly back?: { readonly href: string; readonly label: string };
  readonly badge?: { readonly text: string; readonly tone: 'plain' | 'good' | 'warning' | 'danger' };
  readonly lead?: string;
  readonly tabs?: readonly { readonly href: string; readonly label: string; readonly current: boolean }[];
  readonly blocks: readonly Block[];
}

/** `admin/page.ejs`. */
export interface FramedPage extends AdminPage {
  readonly nav: PageNav;
  readonly sections: readonly { readonly href: string; readonly label: string; readonly current: boolean }[];
  readonly notice?: { readonly tone: 'info' | 'problem' | 'warning'; readonly text: string };
  readonly csrf: string;
  readonly now: number;
}

export const text = (value: string, href?: string): Piece =>
  href === undefined ? { kind: 'text', text: value } : { kind: 'text', text: value, href };
export const code = (value: string, href?: string): Piece =>
  href === undefined ? { kind: 'code', text: value } : { kind: 'code', text: value, href };
export const muted = (value: string): Piece => ({ kind: 'muted', text: value });
export const time = (instant: number): Piece => ({ kind: 'time', instant });
