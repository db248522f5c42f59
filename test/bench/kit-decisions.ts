/** A resource server that decides as often as it can whether one token may do one thing, with the kit's memory and stream. */
import { performance } from 'node:perf_hooks';
import { createCachedIntrospector, createIntrospector, judge } from '../../src/resource-server/index.ts';
import { demo } from '../support/mandate.ts';
import type { Measured } from './load.ts';
import { cpuSeconds, residentMegabytes } from './process.ts';

const [, , issuer = '', token = '', seconds = '1'] = process.argv;
const who = { issuer, clientId: demo.apiServer.id, clientSecret: demo.apiServer.secret };
const kit = createCachedIntrospector({ introspector: createIntrospector(who), stream: who });
const decide = async () => {
  const answer = await kit.introspect(token);
  return answer.active && judge(answer, demo.api, { capability: 'flows:edit' }).kind === 'allowed';
};

while (!kit.isAlive) {
  await decide();
  await new Promise((resume) => setTimeout(resume, 20));
}
const before = cpuSeconds(process.pid);
const started = performance.now();
let decisions = 0;
let refused = 0;
while (performance.now() - started < Number(seconds) * 1_000) {
  for (let n = 0; n < 1_000; n++) {
    if (!(await decide())) refused += 1;
  }
  decisions += 1_000;
  // The stream is read in between, as it would be.
  await new Promise((resume) => setImmediate(resume));
}
const elapsed = (performance.now() - started) / 1_000;
const each = elapsed / decisions;
const measured: Measured = {
  perSecond: decisions / elapsed,
  cpuMicroseconds: ((cpuSeconds(process.pid) - before) / decisions) * 1e6,
  p50Milliseconds: each * 1_000,
  p99Milliseconds: each * 1_000,
  residentMegabytes: residentMegabytes(process.pid),
  refused,
};
kit.close();
console.log(JSON.stringify(measured));
