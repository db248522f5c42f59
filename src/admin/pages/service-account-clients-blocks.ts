/** The clients of a service account, on its profile: their secrets are shown once, on the page after the form. */

import type { Form } from '../../http/read-form.ts';
import { serviceAccountClientOperations as operations } from '../api/service-account-clients.ts';
import {
  type FormDefinition,
  field,
  form,
  type PageDefinition,
  type PageRequest,
  seenVersion,
} from './page.ts';
import { type AdminPage, type Block, code, text } from './page-model.ts';
import { statusBadge } from './words.ts';

export async function clientsBlocks(
  { ask, words, caller }: PageRequest,
  accountId: string,
): Promise<Block[]> {
  const { t } = words;
  const { items } = await ask(operations.list, { params: { service_account_id: accountId } });
  const home = `/admin/service-accounts/${accountId}/clients`;
  const mayChange = caller.permissions.has('service-accounts.update');
  const table: Block = {
    kind: 'table',
    title: t('admin.machine.clients'),
    text: t('admin.machine.clients_text'),
    columns: [t('admin.column.id'), t('admin.column.name'), t('admin.column.status')],
    rows: items.map((client) => ({
      cells: [
        [code(client.id)],
        [text(String(client.metadata.client_name ?? ''))],
        [statusBadge(client.disabled ? 'disabled' : 'enabled', words)],
      ],
      buttons: [
        client.has_secret
          ? { action: `${home}/${encodeURIComponent(client.id)}/secret`, label: t('admin.secret.replace') }
          : { action: `${home}/${encodeURIComponent(client.id)}/keys`, label: t('admin.machine.new_key') },
        {
          action: `${home}/${encodeURIComponent(client.id)}/delete`,
          label: t('admin.delete'),
          hidden: { version: String(client.version) },
          tone: 'danger',
        },
      ],
    })),
    empty: t('admin.machine.no_clients'),
    ...(mayChange && { actions: t('admin.column.actions') }),
  };
  if (!mayChange) return [table];
  return [
    table,
    {
      kind: 'form',
      title: t('admin.machine.add_client'),
      action: home,
      fields: [
        { kind: 'text', name: 'id', label: t('admin.column.id'), hint: t('admin.slug_hint'), required: true },
        { kind: 'text', name: 'client_name', label: t('admin.column.name'), required: true },
        {
          kind: 'menu',
          name: 'proof',
          label: t('admin.machine.proof'),
          hint: t('admin.machine.proof_hint'),
          options: [
            { value: 'secret', label: t('admin.machine.by_secret') },
            { value: 'generated', label: t('admin.machine.by_generated_key') },
            { value: 'keys', label: t('admin.machine.by_own_keys') },
          ],
        },
        {
          kind: 'lines',
          name: 'keys',
          label: t('admin.machine.keys'),
          hint: t('admin.machine.keys_hint'),
        },
      ],
      submit: t('admin.machine.add_client'),
    },
  ];
}

/** Defines the forms on those clients. @param page the profile, shown again when one is refused */
export function clientForms(page: PageDefinition): FormDefinition[] {
  const path = '/service-accounts/:id/clients';
  const home = (id = '') => `/admin/service-accounts/${id}`;
  return [
    form({
      path,
      operation: operations.create,
      page,
      input: (posted, { id = '' }) => ({
        params: { service_account_id: id },
        body: { id: field(posted, 'id'), client_name: field(posted, 'client_name'), ...proofOf(posted) },
      }),
      done: (client, { id }, words) => proofPage(words, client, home(id)),
    }),
    form({
      path: `${path}/:client/keys`,
      operation: operations.setKeys,
      page,
      input: (_, { id = '', client = '' }) => ({
        params: { service_account_id: id, client_id: client },
        body: { generate_key: true },
      }),
      done: (client, { id }, words) => proofPage(words, client, home(id)),
    }),
    form({
      path: `${path}/:client/secret`,
      operation: operations.rotateSecret,
      page,
      input: (_, { id = '', client = '' }) => ({ params: { service_account_id: id, client_id: client } }),
      done: (client, { id }, words) => secretPage(words, client.id, client.client_secret ?? '', home(id)),
    }),
    form({
      path: `${path}/:client/delete`,
      operation: operations.delete,
      page,
      input: (posted, { id = '', client = '' }) => ({
        params: { service_account_id: id, client_id: client },
        version: seenVersion(posted),
      }),
      done: (_, { id }) => home(id),
    }),
  ];
}

/** Reads how the client is to show who it is: keys are a JSON Web Key Set, or the address of one. Pure. */
export function proofOf(posted: Form): Record<string, unknown> {
  const proof = field(posted, 'proof');
  if (proof === 'generated') return { generate_key: true };
  if (proof !== 'keys') return {};
  const keys = field(posted, 'keys');
  if (/^https:/i.test(keys)) return { jwks_uri: keys };
  try {
    return { jwks: JSON.parse(keys) as unknown };
  } catch {
    return { jwks: {} };
  }
}

/** What a client was made with: a secret or a private key is shown this once; one with keys of its own has nothing to show. */
export function proofPage(
  words: PageRequest['words'],
  client: { id: string; client_secret: string | null; private_key: Record<string, unknown> | null },
  back: string,
): AdminPage | string {
  if (client.private_key) return secretPage(words, client.id, JSON.stringify(client.private_key), back);
  return client.client_secret === null ? back : secretPage(words, client.id, client.client_secret, back);
}

/** The page that shows a secret, this once. */
export function secretPage(
  { t }: PageRequest['words'],
  name: string,
  secret: string,
  back: string,
): AdminPage {
  return {
    title: t('admin.secret.title', { name }),
    back: { href: back, label: name },
    blocks: [{ kind: 'secret', text: t('admin.secret.once'), secret }],
  };
}
