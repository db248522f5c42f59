import { expect, test } from '@jest/globals';
import Koa from 'koa';
import { parseQuery, readQueriesOnce } from '../../../src/http/query.ts';
import { ownCpuMilliseconds } from '../../support/thread-time.ts';

test.each([
  ['', {}],
  ['a=b&c=d', { a: 'b', c: 'd' }],
  ['a=b&a=c&a=&d', { a: ['b', 'c', ''], d: '' }],
  ['a+b=%20%zz&%C3%A4=%FF', { 'a b': ' %zz', ä: '\ufffd' }],
  ['=a&&=b', { '': ['a', 'b'] }],
])('%s is read as Koa reads it', (text, query) => {
  expect(parseQuery(text)).toEqual(query);
});

test('no name reaches a prototype', () => {
  const query = parseQuery('__proto__=a&constructor=b&__proto__=c');
  expect(Object.getPrototypeOf(query)).toBe(Object.prototype);
  expect(Object.entries(query)).toEqual([
    ['__proto__', ['a', 'c']],
    ['constructor', 'b'],
  ]);
});

test('DS-02: sixteen thousand parameters cost milliseconds, not seconds', () => {
  const text = '&a'.repeat(16_000);
  const before = ownCpuMilliseconds();
  expect(parseQuery(text).a).toHaveLength(16_000);
  expect(ownCpuMilliseconds() - before).toBeLessThan(200);
});

test('a request that is changed is read anew', () => {
  const koa = new Koa();
  readQueriesOnce(koa);
  const ctx = koa.createContext({ url: '/?a=b', headers: {} } as never, {} as never);
  expect(ctx.query).toEqual({ a: 'b' });
  expect(ctx.query).toBe(ctx.query);
  ctx.query = { a: ['c', 'd'] };
  expect([ctx.url, ctx.query]).toEqual(['/?a=c&a=d', { a: ['c', 'd'] }]);
  ctx.querystring = '';
  expect(ctx.query).toEqual({});
});
