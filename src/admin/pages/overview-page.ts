/** `/admin`: what an operator would rather look at than read. Builds its model from the overview that the JSON API answers. */
import type { Words } from '../../http/messages.ts';
import type { OverviewDocument } from '../api/overview-operation.ts';
import { endingWithinSeconds, overviewOperation, overviewReaders } from '../api/overview-operation.ts';
import type { LegendEntry, OverviewBlock } from './overview-blocks.ts';
import { barPlot, columnPlot, type Tone } from './overview-plot.ts';
import type { PageDefinition } from './page.ts';
import { type Block, text, time } from './page-model.ts';

/** Names of outcomes in the order in which they are stacked, with what they look like. */
type Outcomes<Name extends string> = readonly {
  readonly name: Name;
  readonly label: string;
  readonly tone: Tone;
}[];

const introspectionOutcomes = [
  { name: 'active', label: 'admin.overview.outcome.active', tone: 'good' },
  { name: 'inactive', label: 'admin.overview.outcome.inactive', tone: 'plain' },
  { name: 'refused_caller', label: 'admin.overview.outcome.refused_caller', tone: 'warning' },
  { name: 'unavailable', label: 'admin.overview.outcome.unavailable', tone: 'danger' },
] as const;
const signInOutcomes = [
  { name: 'signed_in', label: 'admin.overview.outcome.signed_in', tone: 'good' },
  { name: 'wrong', label: 'admin.overview.outcome.wrong', tone: 'warning' },
  { name: 'limited', label: 'admin.overview.outcome.limited', tone: 'danger' },
] as const;
const statuses = [
  { name: 'active', label: 'admin.status.active', tone: 'good' },
  { name: 'suspended', label: 'admin.status.suspended', tone: 'warning' },
  { name: 'expired', label: 'admin.status.expired', tone: 'plain' },
  { name: 'revoked', label: 'admin.status.revoked', tone: 'danger' },
] as const;
const kinds = [
  { name: 'oauth2', label: 'admin.overview.kind.oauth', tone: 'good' },
  { name: 'api_key', label: 'admin.overview.kind.api_key', tone: 'plain' },
] as const;
const ages = [
  ['1_day', 'admin.overview.age.day'],
  ['7_days', 'admin.overview.age.week'],
  ['30_days', 'admin.overview.age.month'],
  ['90_days', 'admin.overview.age.quarter'],
  ['longer', 'admin.overview.age.longer'],
  ['never', 'admin.overview.age.never'],
] as const;
const grants = [
  ['authorization_code', 'admin.overview.grant.authorization_code'],
  ['refresh_token', 'admin.overview.grant.refresh_token'],
  ['client_credentials', 'admin.overview.grant.client_credentials'],
  ['device_code', 'admin.overview.grant.device_code'],
  ['identity_assertion', 'admin.overview.grant.identity_assertion'],
] as const;

export const overviewPage: PageDefinition = {
  path: '/',
  section: 'overview',
  anyOf: overviewReaders,
  async build({ ask, words, caller }) {
    const overview = await ask(overviewOperation);
    return {
      title: words.t('admin.nav.overview'),
      lead: words.t('admin.overview.lead'),
      blocks: [
        atAGlance(overview, caller.permissions, words),
        overTime(
          'admin.overview.introspections',
          introspectionOutcomes,
          overview.introspections,
          overview.at,
          words,
        ),
        servers(overview, words),
        standing(overview, words),
        lastUse(overview, words),
        overTime('admin.overview.sign_ins', signInOutcomes, overview.sign_ins, overview.at, words),
        handedOut(overview, words),
        ...(overview.ending_keys ? [endingKeys(overview.ending_keys, words)] : []),
      ],
    };
  },
};

const sum = (values: readonly number[]): number => values.reduce((all, n) => all + n, 0);
const numberOf = (words: Words) => {
  const format = new Intl.NumberFormat(words.region);
  return (n: number) => format.format(n);
};
const legendOf = (outcomes: Outcomes<string>, words: Words): LegendEntry[] =>
  outcomes.map(({ label, tone }) => ({ label: words.t(label), tone }));

function atAGlance(
  overview: OverviewDocument,
  permissions: ReadonlySet<string>,
  words: Words,
): OverviewBlock {
  const { t } = words;
  const number = numberOf(words);
  const { hours } = overview.introspections;
  const asked = sum(hours.flatMap(({ starts_at: _, ...figures }) => Object.values(figures)));
  const unavailable = sum(hours.map((hour) => hour.unavailable));
  const signIns = overview.sign_ins.hours;
  const refused = sum(signIns.flatMap(({ wrong, limited }) => [wrong, limited]));
  const active = sum(
    overview.authorizations.filter(({ status }) => status === 'active').map(({ count }) => count),
  );
  const pending = overview.pending_approvals;
  return {
    kind: 'figures',
    figures: [
      {
        label: t('admin.overview.glance.introspections'),
        value: number(asked),
        text: t('admin.overview.glance.unavailable', { n: unavailable }),
        ...(unavailable > 0 && { tone: 'danger' as const }),
      },
      {
        label: t('admin.overview.glance.sign_ins'),
        value: number(sum(signIns.map(({ signed_in: n }) => n))),
        text: t('admin.overview.glance.refused', { n: refused }),
      },
      {
        label: t('admin.overview.glance.authorizations'),
        value: number(active),
        text: t('admin.overview.glance.of', { n: sum(overview.authorizations.map(({ count }) => count)) }),
      },
      {
        label: t('admin.overview.glance.approvals'),
        value: number(pending),
        ...(permissions.has('policies.manage') && { href: '/admin/approvals' }),
        ...(pending > 0 && { tone: 'warning' as const }),
      },
      ...(overview.ending_keys
        ? [{ label: t('admin.overview.glance.ending_keys'), value: number(overview.ending_keys.length) }]
        : []),
    ],
  };
}

/** Twenty-four hours beside thirty days. */
function overTime<Name extends string>(
  title: string,
  outcomes: Outcomes<Name>,
  series: Record<'hours' | 'days', readonly (Record<Name, number> & { starts_at: number })[]>,
  now: number,
  words: Words,
): OverviewBlock {
  const { t } = words;
  const hour = (instant: number) => words.machine(instant).slice(11, 16);
  const plot = (
    points: readonly (Record<Name, number> & { starts_at: number })[],
    heading: string,
    column: string,
    name: (instant: number) => string,
    end: (instant: number) => string,
  ) => {
    const number = numberOf(words);
    const drawing = columnPlot(
      outcomes.map(({ name: of, tone }) => ({ tone, values: points.map((one) => one[of]) })),
    );
    const totals = outcomes.map(({ name: of, label }) => ({
      label: t(label),
      n: sum(points.map((one) => one[of])),
    }));
    return {
      title: heading,
      description: t('admin.overview.described', {
        figures: words.list(totals.map(({ label, n }) => `${label} ${number(n)}`)),
        most: drawing.top,
      }),
      drawing,
      top: number(drawing.top),
      from: end(points[0]?.starts_at ?? now),
      to: end(points.at(-1)?.starts_at ?? now),
      numbers: t('admin.overview.numbers', { what: heading }),
      columns: [column, ...totals.map(({ label }) => label)],
      rows: points.map((one) => [name(one.starts_at), ...outcomes.map(({ name: of }) => number(one[of]))]),
    };
  };
  return {
    kind: 'plots',
    title: t(title),
    legend: legendOf(outcomes, words),
    plots: [
      plot(
        series.hours,
        t('admin.overview.last_day'),
        t('admin.overview.hour'),
        (at) => `${words.date(at, now)} ${hour(at)}`,
        hour,
      ),
      plot(
        series.days,
        t('admin.overview.last_month'),
        t('admin.overview.day'),
        (at) => words.date(at, now),
        (at) => words.date(at, now),
      ),
    ],
  };
}

function servers({ introspections }: OverviewDocument, words: Words): OverviewBlock {
  const { t } = words;
  const number = numberOf(words);
  // A caller that is refused has no name that could be believed.
  const named = introspectionOutcomes.filter(({ name }) => name === 'active' || name === 'inactive');
  const rows = introspections.by_resource_server;
  const most = Math.max(0, ...rows.map(({ last_30_days: month }) => month.active + month.inactive));
  return {
    kind: 'bars',
    title: t('admin.overview.servers'),
    text: t('admin.overview.servers_text'),
    legend: legendOf(named, words),
    columns: [
      t('admin.overview.server'),
      t('admin.overview.last_day'),
      t('admin.overview.last_month'),
      t('admin.overview.outcome.inactive'),
    ],
    rows: rows.map(({ name, last_24_hours: day, last_30_days: month }) => ({
      label: name,
      code: true,
      drawing: barPlot(
        named.map(({ name: of, tone }) => ({ n: month[of], tone })),
        most,
      ),
      numbers: [day.active + day.inactive, month.active + month.inactive, month.inactive].map(number),
    })),
    empty: t('admin.overview.nobody_asked'),
  };
}

function standing({ authorizations }: OverviewDocument, words: Words): OverviewBlock {
  const { t } = words;
  const rows = kinds.map(({ name, label }) => ({
    label: t(label),
    counts: statuses.map(({ name: status, tone }) => ({
      tone,
      n: sum(
        authorizations.filter((one) => one.kind === name && one.status === status).map(({ count }) => count),
      ),
    })),
  }));
  const most = Math.max(0, ...rows.map(({ counts }) => sum(counts.map(({ n }) => n))));
  return {
    kind: 'bars',
    title: t('admin.overview.authorizations'),
    legend: legendOf(statuses, words),
    columns: [t('admin.column.kind'), ...statuses.map(({ label }) => t(label))],
    rows: rows.map(({ label, counts }) => ({
      label,
      drawing: barPlot(counts, most),
      numbers: counts.map(({ n }) => numberOf(words)(n)),
    })),
    empty: '',
  };
}

function lastUse({ authorizations }: OverviewDocument, words: Words): OverviewBlock {
  const { t } = words;
  const standingNow = authorizations.filter(({ status }) => status === 'active' || status === 'suspended');
  const rows = ages.map(([age, label]) => ({
    label: t(label),
    counts: kinds.map(({ name, tone }) => ({
      tone,
      n: sum(standingNow.filter(({ kind }) => kind === name).map(({ last_used: used }) => used[age])),
    })),
  }));
  const most = Math.max(0, ...rows.map(({ counts }) => sum(counts.map(({ n }) => n))));
  return {
    kind: 'bars',
    title: t('admin.overview.last_used'),
    text: t('admin.overview.last_used_text'),
    legend: legendOf(kinds, words),
    columns: [t('admin.overview.last_used'), ...kinds.map(({ label }) => t(label))],
    rows: rows.map(({ label, counts }) => ({
      label,
      drawing: barPlot(counts, most),
      numbers: counts.map(({ n }) => numberOf(words)(n)),
    })),
    empty: '',
  };
}

function handedOut({ tokens }: OverviewDocument, words: Words): OverviewBlock {
  const { t } = words;
  const number = numberOf(words);
  const most = Math.max(...grants.map(([grant]) => tokens.last_30_days[grant]));
  return {
    kind: 'bars',
    title: t('admin.overview.tokens'),
    legend: [],
    columns: [t('admin.overview.grant.title'), t('admin.overview.last_day'), t('admin.overview.last_month')],
    rows: grants.map(([grant, label]) => ({
      label: t(label),
      drawing: barPlot([{ n: tokens.last_30_days[grant], tone: 'good' }], most),
      numbers: [tokens.last_24_hours[grant], tokens.last_30_days[grant]].map(number),
    })),
    empty: '',
  };
}

function endingKeys(keys: NonNullable<OverviewDocument['ending_keys']>, words: Words): Block {
  const { t } = words;
  return {
    kind: 'table',
    title: t('admin.overview.ending_keys'),
    text: words.plural('admin.overview.ending_keys_text', endingWithinSeconds / 86_400),
    columns: [t('admin.column.name'), t('admin.column.owner'), t('admin.overview.ends')],
    rows: keys.map(({ id, name, owner_email: email, expires_at: end }) => ({
      cells: [[text(name ?? id, `/admin/authorizations/${id}`)], [text(email)], [time(end)]],
    })),
    empty: t('admin.overview.no_ending_keys'),
  };
}
