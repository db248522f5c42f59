/**
 * What an operator looks at, put together: counts, measures, metrics, reports, health. Owns which of them there are and their addresses;
 * each is a file of its own, and what they watch is not known here.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Store } from '../../db/open.ts';
import type { TraceSettings } from '../config.ts';
import { createActivityRecorder } from './activity-recorder.ts';
import type { ActivityStore } from './activity-store.ts';
import { readBacklog } from './backlog.ts';
import { createCspReports, reportsPath } from './csp-reports.ts';
import { metricFamilies, type Observed } from './families.ts';
import { createHealth } from './health.ts';
import {
  createIntrospectionInstruments,
  type IntrospectionInstruments,
} from './introspection-instruments.ts';
import { createLabelledCounters, type LabelledCounters } from './labelled-counters.ts';
import { createMetricsEndpoint } from './metrics-endpoint.ts';
import { createProcessMetrics, type ProcessChannel } from './process-metrics.ts';
import { createRequests } from './requests.ts';
import { createTally, type Tally } from './tally.ts';
import { createTraces } from './traces.ts';

export interface Operations {
  readonly tally: Tally;
  /** Refusals by the name of the limit. */
  readonly refusals: LabelledCounters;
  /** What resource servers told of uses, by what became of it. */
  readonly uses: LabelledCounters;
  /** Tries to send a mail, by what came of them. */
  readonly mails: LabelledCounters;
  /** Events told to receivers, likewise. */
  readonly pushes: LabelledCounters;
  readonly introspection: IntrospectionInstruments;
  /** Begins to write and to show what is counted. */
  watch(observed: Pick<Observed, 'hashing' | 'streams' | 'ready'>): Watch;
}

export interface Watch {
  /** Notes that a request has come, and names it. */
  begin(request: IncomingMessage, response: ServerResponse): void;
  /** Answers what is asked of this very node, whatever the host is called there. @returns false when it is no such request */
  takeForNode(request: IncomingMessage, response: ServerResponse): boolean;
  /** Takes what browsers report. @returns false likewise */
  takeReport(request: IncomingMessage, response: ServerResponse): boolean;
  /** Ends the writing, with what was counted so far. */
  settle(): Promise<void>;
}

export function createOperations(deps: {
  readonly issuer: string;
  readonly production: boolean;
  readonly metricsToken?: string | undefined;
  readonly version: string;
  /** Where spans go; nowhere when absent. */
  readonly traces?: TraceSettings | undefined;
  /** To the supervisor, where several processes serve side by side. */
  readonly channel?: ProcessChannel | undefined;
  readonly store: Store;
  readonly activity: ActivityStore;
  /** What waits to be sent. */
  readonly outbox: { waiting(): Promise<number> };
  readonly eventReceivers: { furthestBehind(): Promise<number> };
  readonly log: Logger;
  readonly monotonic: () => number;
}): Operations {
  const { store, activity, outbox, eventReceivers, log, channel } = deps;
  const tally = createTally();
  const refusals = createLabelledCounters();
  const uses = createLabelledCounters();
  const mails = createLabelledCounters();
  const pushes = createLabelledCounters();
  const notCounted = (error: unknown) =>
    log.warn({ err: error }, 'what waits to be sent could not be counted');
  const introspection = createIntrospectionInstruments(tally);
  return {
    tally,
    refusals,
    uses,
    mails,
    pushes,
    introspection,
    watch(observed) {
      const traces = deps.traces && createTraces(deps.traces, deps);
      const requests = createRequests({ ...deps, traces });
      const reports = createLabelledCounters();
      const takeViolations = createCspReports({ ...deps, reports });
      const health = createHealth({ store, log, ready: observed.ready });
      const metrics = createMetricsEndpoint({
        access: { token: deps.metricsToken, production: deps.production },
        families: metricFamilies({
          ...observed,
          tally,
          introspection,
          requests,
          refusals,
          reports,
          uses,
          mails,
          pushes,
          waitingMails: readBacklog(outbox.waiting, notCounted),
          waitingChanges: readBacklog(eventReceivers.furthestBehind, notCounted),
          databaseWaiting: store.waiting,
          build: { version: deps.version, engine: store.engine },
        }),
        everyProcess: () => everyProcess(),
        onFailure: (error) => log.warn({ err: error }, 'the metrics could not be read'),
      });
      const everyProcess = channel
        ? createProcessMetrics(channel, metrics.read)
        : async () => [await metrics.read()];
      const recorder = createActivityRecorder({
        tally,
        activity,
        onFailure: (error) => log.warn({ err: error }, 'counts could not be written; they are kept'),
      });
      const stopRecording = recorder.start();
      return {
        begin: requests.begin,
        takeForNode(request, response) {
          if (request.url === '/metrics') void metrics.handle(request, response);
          else if (request.url === '/healthz' || request.url === '/readyz')
            void health(request.url, response);
          else return false;
          return true;
        },
        takeReport(request, response) {
          if (request.url !== reportsPath) return false;
          void takeViolations(request, response);
          return true;
        },
        async settle() {
          stopRecording();
          await Promise.all([recorder.flush(), traces?.settle()]);
        },
      };
    },
  };
}
