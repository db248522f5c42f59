import { describe, expect, test } from '@jest/globals';
import {
  type Administrator,
  administration,
  mayHandOutAdministration,
  withoutAdministration,
} from '../../../src/policy/administration.ts';
import { seenBy } from '../../../src/policy/audience.ts';
import { effective } from '../../../src/policy/effective.ts';
import { decideKey, offeredKeyRoles } from '../../../src/policy/key-decision.ts';
import { noLimits } from '../../../src/policy/limits.ts';
import type { Catalogue, Live, World } from '../../../src/policy/vocabulary.ts';
import { wholeOf } from '../../../src/policy/whole.ts';
import { why } from '../../../src/policy/why.ts';
import * as acme from './acme.ts';

const catalogue: Catalogue = new Map([
  ...acme.catalogue,
  [
    administration,
    {
      name: administration,
      bound: 'organization',
      title: 'Administer',
      consequence: 'C.',
      worstCase: 'W.',
      sensitive: true,
      implies: [],
    },
  ],
]);
const all = new Set([...catalogue.keys(), 'users.manage', 'api-keys.manage']);
const world: World = {
  ...acme.world,
  catalogue,
  roles: new Map([
    ...acme.world.roles,
    ['rol_admin', { slug: 'admin', name: 'Admin', permissions: all }],
    ['rol_owner', { slug: 'owner', name: 'Owner', permissions: all }],
  ]),
};
const live: Live = { status: 'active', organization: all, projects: new Map() };
const nothing = { standing: 'active', capabilities: [], roles: [], projects: [], mcpServers: [] } as const;
const holds = (granted: object) => effective({ ...nothing, ...granted }, live, world, noLimits);
const api = { api: true, mcpServers: new Set<string>() };
const own = { api: false, mcpServers: new Set<string>(), administration: true };

describe('the right to administer Mandate', () => {
  test('counts where it is named, and never through a role', () => {
    expect(holds({ capabilities: [administration] }).organization).toEqual([administration]);
    const carried = { ...nothing, roles: ['rol_admin'] };
    expect(holds(carried).organization).toEqual(['api', 'apps:view', 'apps:admin']);
    const question = { capability: administration };
    expect(why(question, carried, holds(carried), world)).toMatchObject({
      allowed: false,
      rule: 'not_granted',
    });
  });

  test('does not come to a client that follows its service account', () => {
    const whole = wholeOf(live, world, { organization: ['rol_admin'], projects: new Map() });
    expect(whole.capabilities).not.toContain(administration);
    expect(whole.capabilities).toContain('apps:admin');
  });

  test('is seen by Mandate alone, which sees nothing else', () => {
    const result = holds({ capabilities: ['api', administration] });
    expect(seenBy(result, api, catalogue)?.scope).toEqual(['api']);
    expect(seenBy(result, own, catalogue)).toEqual({
      scope: [administration],
      projects: [],
      mcpServers: [],
      withheld: [],
    });
    expect(seenBy(holds({ capabilities: ['api'] }), own, catalogue)).toBeUndefined();
    expect(seenBy(holds({ capabilities: [administration] }), api, catalogue)).toBeUndefined();
    const lost = effective(
      { ...nothing, capabilities: ['api', administration] },
      { ...live, organization: new Set(['api']) },
      world,
      noLimits,
    );
    expect(seenBy(lost, api, catalogue)?.withheld).toEqual([]);
  });

  test('can be taken out of what somebody may hand over; their roles may still be carried', () => {
    const rest = withoutAdministration({ live }).live;
    expect(offeredKeyRoles(rest, world)).toContain('rol_admin');
    expect(decideKey({ ...nothing, capabilities: ['api', administration] }, rest, world)).toMatchObject({
      granted: { capabilities: ['api'] },
      dropped: [{ dimension: 'capability', identifier: administration, why: 'not_yours' }],
    });
  });
});

describe('whoever hands it out', () => {
  const somebody = (id: string, kind: 'person' | 'service_account', ...roles: string[]): Administrator => ({
    user: { id, kind },
    live: {
      ...live,
      organization: new Set(roles.flatMap((role) => [...(world.roles.get(role)?.permissions ?? [])])),
    },
    assigned: { organization: roles },
  });
  const owner = somebody('usr_owner', 'person', 'rol_owner');
  const admin = somebody('usr_admin', 'person', 'rol_admin');

  test.each([
    ['an admin to themselves', admin, admin, true],
    ['an admin to another admin', admin, somebody('usr_other', 'person', 'rol_admin'), false],
    ['an admin to a member', admin, somebody('usr_member', 'person', 'rol_member'), false],
    ['an Owner to a person', owner, admin, false],
    [
      'an admin to a service account that is admin too',
      admin,
      somebody('usr_ci', 'service_account', 'rol_admin'),
      true,
    ],
    [
      'a member to that one',
      somebody('usr_member', 'person', 'rol_member'),
      somebody('usr_ci', 'service_account', 'rol_admin'),
      false,
    ],
    [
      'an admin to a service account that is Owner',
      admin,
      somebody('usr_ci', 'service_account', 'rol_owner'),
      false,
    ],
    [
      'an Owner to a service account that is Owner',
      owner,
      somebody('usr_ci', 'service_account', 'rol_owner'),
      true,
    ],
  ] as const)('%s: as it should be', (_, by, to, expected) => {
    expect(mayHandOutAdministration(by, to, world)).toBe(expected);
  });
});
