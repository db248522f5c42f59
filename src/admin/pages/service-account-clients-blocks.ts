/** The clients of a service account, on its profile: their secrets are shown once, on the page after the form. */
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
        { action: `${home}/${encodeURIComponent(client.id)}/secret`, label: t('admin.secret.replace') },
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
        body: { id: field(posted, 'id'), client_name: field(posted, 'client_name') },
      }),
      done: (client, { id }, words) => secretPage(words, client.id, client.client_secret ?? '', home(id)),
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
