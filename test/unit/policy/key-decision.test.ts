import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { delegableCapabilities, offeredRoles } from '../../../src/policy/consent-decision.ts';
import { decideEdit } from '../../../src/policy/edit-decision.ts';
import {
  decideKey,
  mayCreateKey,
  mayKeep,
  offeredKeyRoles,
  type Slice,
} from '../../../src/policy/key-decision.ts';
import type { Live } from '../../../src/policy/vocabulary.ts';
import { live, world } from './acme.ts';
import * as arbitrary from './arbitraries.ts';

const slice: fc.Arbitrary<Slice> = arbitrary.granted.map(({ capabilities, roles, projects, mcpServers }) => ({
  capabilities,
  roles,
  projects,
  mcpServers,
}));

const grantedBy = (decision: ReturnType<typeof decideKey>): Slice =>
  decision.kind === 'granted'
    ? decision.granted
    : { capabilities: [], roles: [], projects: [], mcpServers: [] };

describe('what a key may carry', () => {
  test('an Editor of one project may attach the roles whose capabilities they hold somewhere', () => {
    expect(offeredKeyRoles(live, world)).toEqual(['rol_member', 'rol_viewer', 'rol_editor']);
    expect(offeredKeyRoles({ ...live, status: 'suspended' }, world)).toEqual([]);
  });

  test('a role is enough for a key, and a role beyond the owner is dropped', () => {
    const choice = { capabilities: [], roles: ['rol_viewer', 'rol_admin'], projects: [], mcpServers: [] };
    expect(decideKey(choice, live, world)).toEqual({
      kind: 'granted',
      granted: { ...choice, roles: ['rol_viewer'] },
      dropped: [{ dimension: 'organization_role', identifier: 'rol_admin', why: 'not_yours' }],
    });
    expect(decideKey({ ...choice, roles: ['rol_none'] }, live, world)).toMatchObject({ kind: 'refused' });
  });

  test('grants nothing that was not chosen, nor anything that its owner may not hand over', () => {
    fc.assert(
      fc.property(slice, arbitrary.live, arbitrary.world, (choice, owner, exists) => {
        const granted = grantedBy(decideKey(choice, owner, exists));
        const mine = delegableCapabilities(owner, exists);
        for (const name of granted.capabilities) {
          expect(choice.capabilities).toContain(name);
          expect(mine).toContain(name);
        }
        for (const id of granted.roles) {
          expect(choice.roles).toContain(id);
          expect(offeredKeyRoles(owner, exists)).toContain(id);
        }
        for (const { id, roles } of granted.projects) {
          for (const role of roles) expect(offeredRoles(owner, id, exists)).toContain(role);
        }
        expect(choice.mcpServers).toEqual(expect.arrayContaining([...granted.mcpServers]));
      }),
    );
  });
});

describe('an edit', () => {
  test('keeps what was granted and is withheld now, and takes nothing else that is not held', () => {
    const before = {
      capabilities: ['apps:admin', 'api'],
      roles: [],
      projects: [{ id: 'prj_borealis', roles: ['rol_editor'] }],
      mcpServers: [],
    };
    const decision = decideEdit(
      { ...before, capabilities: ['apps:admin', 'secrets:edit', 'api'] },
      before,
      live,
      world,
    );
    expect(decision).toEqual({
      kind: 'granted',
      granted: { ...before, capabilities: ['api', 'apps:admin'] },
      dropped: [{ dimension: 'capability', identifier: 'secrets:edit', why: 'not_yours' }],
    });
  });

  test('never grants what was not chosen', () => {
    fc.assert(
      fc.property(slice, slice, arbitrary.live, arbitrary.world, (choice, before, owner, exists) => {
        const granted = grantedBy(decideEdit(choice, before, owner, exists));
        expect(choice.capabilities).toEqual(expect.arrayContaining([...granted.capabilities]));
        expect(choice.roles).toEqual(expect.arrayContaining([...granted.roles]));
        expect(choice.mcpServers).toEqual(expect.arrayContaining([...granted.mcpServers]));
        expect(choice.projects.map(({ id }) => id)).toEqual(
          expect.arrayContaining(granted.projects.map(({ id }) => id)),
        );
      }),
    );
  });

  test('adds to what was granted only what could be granted afresh', () => {
    fc.assert(
      fc.property(slice, slice, arbitrary.live, arbitrary.world, (choice, before, owner, exists) => {
        const granted = grantedBy(decideEdit(choice, before, owner, exists));
        const afresh = grantedBy(
          decideKey({ ...choice, capabilities: [...choice.capabilities] }, owner, exists),
        );
        const had = (list: readonly string[], id: string) => list.includes(id);
        if (afresh.capabilities.length + afresh.roles.length > 0) {
          for (const name of granted.capabilities) {
            expect(had(before.capabilities, name) || had(afresh.capabilities, name)).toBe(true);
          }
          for (const id of granted.roles) {
            expect(had(before.roles, id) || had(afresh.roles, id)).toBe(true);
          }
        }
        for (const { id, roles } of granted.projects) {
          const earlier = before.projects.filter((one) => one.id === id).flatMap((one) => one.roles);
          for (const role of roles) {
            expect(had(earlier, role) || had(offeredRoles(owner, id, exists), role)).toBe(true);
          }
        }
      }),
    );
  });
});

describe('who may make or keep a key', () => {
  const keeper = (...permissions: string[]): { id: string; live: Live } => ({
    id: 'usr_me',
    live: { status: 'active', organization: new Set(permissions), projects: new Map() },
  });
  const me = { id: 'usr_me', kind: 'person' as const };
  const other = { id: 'usr_other', kind: 'person' as const };
  const robot = { id: 'usr_ci', kind: 'service_account' as const };

  test.each([
    [[], me, 'api-keys.create'],
    [['api-keys.create'], me, undefined],
    [['api-keys.manage'], me, 'api-keys.create'],
    [['api-keys.create'], other, 'api-keys.manage'],
    [['api-keys.manage'], other, undefined],
    [['api-keys.create'], robot, 'service-accounts.create'],
    [['service-accounts.create'], robot, undefined],
    [['service-accounts.create'], other, 'api-keys.manage'],
    [['api-keys.manage'], robot, undefined],
  ])('with %j, to make one for %j lacks %s', (permissions, owner, missing) => {
    const verdict = mayCreateKey(keeper(...permissions), owner);
    expect(verdict).toEqual(missing ? { kind: 'refused', missing } : { kind: 'allowed' });
  });

  test.each([
    [[], 'api_key', me, true],
    [[], 'oauth2', me, true],
    [[], 'api_key', other, false],
    [['api-keys.manage'], 'api_key', other, true],
    [['api-keys.manage'], 'oauth2', other, false],
    [['service-accounts.update'], 'api_key', robot, true],
    [['service-accounts.update'], 'oauth2', robot, true],
    [['service-accounts.update'], 'api_key', other, false],
  ] as const)('with %j, to keep %s of %j: %s', (permissions, kind, owner, allowed) => {
    expect(mayKeep(keeper(...permissions), kind, owner).kind).toBe(allowed ? 'allowed' : 'refused');
  });

  test('a suspended keeper may nothing', () => {
    const suspended = keeper('api-keys.create', 'api-keys.manage');
    const asleep = { ...suspended, live: { ...suspended.live, status: 'suspended' as const } };
    expect(mayCreateKey(asleep, me).kind).toBe('refused');
    expect(mayKeep(asleep, 'api_key', other).kind).toBe('refused');
  });
});
