/** Every metric of ours, by name. What the process itself uses is added by the library under its usual names. */
import type { IntrospectionInstruments } from './introspection-instruments.ts';
import { sampledOneIn } from './introspection-instruments.ts';
import type { LabelledCounters } from './labelled-counters.ts';
import type { MetricFamily, Sample } from './metric-families.ts';
import type { Requests } from './requests.ts';
import type { Tally, Topic } from './tally.ts';

export interface Observed {
  readonly tally: Tally;
  readonly introspection: IntrospectionInstruments;
  readonly requests: Requests;
  /** Refusals by the name of the limit. */
  readonly refusals: LabelledCounters;
  /** Reports of browsers, by what became of them. */
  readonly reports: LabelledCounters;
  /** What resource servers told of uses, by what became of it. */
  readonly uses: LabelledCounters;
  /** Tries to send a mail, and events told to receivers, by what came of it. */
  readonly mails: LabelledCounters;
  readonly pushes: LabelledCounters;
  /** What waits to be sent: mails, and changes of which the receiver of events that is furthest behind was not told. */
  readonly waitingMails: () => Promise<readonly Sample[]>;
  readonly waitingChanges: () => Promise<readonly Sample[]>;
  /** Those who wait for the database: for the one writer of SQLite, or for a connection to PostgreSQL. */
  readonly databaseWaiting: () => number;
  /** Passwords that are being hashed or wait for it. */
  readonly hashing: () => number;
  /** Change streams that are open. */
  readonly streams: () => number;
  readonly ready: () => boolean;
  readonly build: { readonly version: string; readonly engine: string };
}

export function metricFamilies(observed: Observed): MetricFamily[] {
  const { tally, introspection, requests, refusals, reports, uses, mails, pushes } = observed;
  const counted = (topic: Topic, label: string) => () =>
    tally
      .all()
      .filter((one) => one.topic === topic)
      .map(({ outcome, party, counter }) => ({
        labels: { [label]: outcome, ...(topic === 'introspection' && { resource_server: party }) },
        value: counter.n,
      }));
  const gauge = (name: string, help: string, value: () => number): MetricFamily => ({
    type: 'gauge',
    name,
    help,
    read: () => [{ value: value() }],
  });
  const named = (counters: LabelledCounters, label: string) => () =>
    counters.all().map(({ name, counter }) => ({ labels: { [label]: name }, value: counter.n }));

  return [
    {
      type: 'gauge',
      name: 'mandate_build_info',
      help: 'Always 1; the labels say what runs.',
      together: 'first',
      read: () => [{ labels: { ...observed.build, node: process.version }, value: 1 }],
    },
    {
      type: 'counter',
      name: 'mandate_introspections_total',
      help: 'Introspections by outcome and by the resource server that asked.',
      read: counted('introspection', 'outcome'),
    },
    {
      type: 'histogram',
      name: 'mandate_introspection_duration_seconds',
      help: `How long introspections take by outcome, measured for one in ${sampledOneIn}.`,
      read: () =>
        Object.entries(introspection.latency).map(([outcome, histogram]) => ({
          labels: { outcome },
          histogram,
        })),
    },
    {
      type: 'counter',
      name: 'mandate_introspection_cache_requests_total',
      help: 'Introspections that were answered from memory (hit), and those that had to be read (miss).',
      read: () => [
        { labels: { result: 'hit' }, value: introspection.recalled.n },
        { labels: { result: 'miss' }, value: introspection.made.n },
      ],
    },
    {
      type: 'gauge',
      name: 'mandate_introspection_cache_bytes',
      help: 'What is remembered for introspection takes, about.',
      read: () =>
        Object.entries(introspection.memory()).map(([part, value]) => ({ labels: { part }, value })),
    },
    {
      type: 'gauge',
      name: 'mandate_change_number',
      help: 'The last change that this process knows of; nodes that answer differ by less than a moment.',
      together: 'max',
      read: () => [{ value: introspection.changeNumber() }],
    },
    {
      type: 'histogram',
      name: 'mandate_change_read_duration_seconds',
      help: 'How long the proof takes that no change was missed, on PostgreSQL; SQLite is asked in microseconds.',
      read: () => [{ histogram: introspection.changeReads }],
    },
    gauge('mandate_change_streams', 'Change streams that are open.', observed.streams),
    {
      type: 'counter',
      name: 'mandate_sign_ins_total',
      help: 'Attempts to sign in by outcome.',
      read: counted('sign_in', 'outcome'),
    },
    {
      type: 'counter',
      name: 'mandate_tokens_issued_total',
      help: 'Token answers by grant.',
      read: counted('token', 'grant'),
    },
    {
      type: 'histogram',
      name: 'mandate_http_request_duration_seconds',
      help: 'How long requests take, without the introspections that are answered the short way.',
      read: () =>
        requests
          .latencies()
          .map(({ endpoint, outcome, histogram }) => ({ labels: { endpoint, outcome }, histogram })),
    },
    gauge(
      'mandate_http_requests_in_flight',
      'Requests that are being answered, the short introspections aside.',
      () => requests.inFlight,
    ),
    {
      type: 'counter',
      name: 'mandate_rate_limited_total',
      help: 'What was refused because of a limit, by limit.',
      read: named(refusals, 'limit'),
    },
    {
      type: 'counter',
      name: 'mandate_csp_reports_total',
      help: 'Reports of browsers about the content security policy, by what became of them.',
      read: named(reports, 'outcome'),
    },
    {
      type: 'counter',
      name: 'mandate_told_uses_total',
      help: 'Uses that resource servers told, by what became of them; dropped is what their teller could not see.',
      read: named(uses, 'outcome'),
    },
    {
      type: 'counter',
      name: 'mandate_mails_total',
      help: 'Tries to send a mail by outcome; failed is tried again.',
      read: named(mails, 'outcome'),
    },
    {
      type: 'gauge',
      name: 'mandate_mails_waiting',
      help: 'Mails that are still to be sent, in the database; a thousand at most are counted.',
      together: 'max',
      read: observed.waitingMails,
    },
    {
      type: 'counter',
      name: 'mandate_event_pushes_total',
      help: 'Security events by whether their receiver took them; what failed is tried again.',
      read: named(pushes, 'outcome'),
    },
    {
      type: 'gauge',
      name: 'mandate_event_changes_waiting',
      help: 'Changes that the receiver of security events which is furthest behind was not told of.',
      together: 'max',
      read: observed.waitingChanges,
    },
    gauge(
      'mandate_database_waiting',
      'Those who wait for the database’s writer or for a connection.',
      observed.databaseWaiting,
    ),
    gauge('mandate_password_hashing', 'Passwords that are being hashed or wait for it.', observed.hashing),
    {
      ...gauge('mandate_ready', '1 while new requests are welcome.', () => Number(observed.ready())),
      together: 'sum',
    },
  ];
}
