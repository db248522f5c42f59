/** How a resource server shows who it is, on its page: a key made here is shown once, on the page after the form. */
import { resourceServerOperations } from '../api/resource-server-operations.ts';
import { type FormDefinition, field, form, type PageDefinition, type PageRequest } from './page.ts';
import type { Block } from './page-model.ts';
import { proofOf, proofPage } from './service-account-clients-blocks.ts';

/** Builds the form that gives it keys in place of what it has. */
export function resourceServerProofBlock(
  { words: { t }, typed }: PageRequest,
  server: { readonly has_keys: boolean },
  home: string,
): Block {
  return {
    kind: 'form',
    title: t('admin.guards.proof'),
    text: t(server.has_keys ? 'admin.guards.signs' : 'admin.guards.sends_secret'),
    action: `${home}/keys`,
    fields: [
      {
        kind: 'menu',
        name: 'proof',
        label: t('admin.guards.change_proof'),
        hint: t('admin.machine.proof_hint'),
        options: [
          { value: 'generated', label: t('admin.machine.by_generated_key') },
          {
            value: 'keys',
            label: t('admin.machine.by_own_keys'),
            selected: typed !== undefined && field(typed, 'proof') === 'keys',
          },
        ],
      },
      {
        kind: 'lines',
        name: 'keys',
        label: t('admin.machine.keys'),
        value: typed?.has('keys') ? field(typed, 'keys') : '',
        hint: t('admin.guards.keys_hint'),
      },
    ],
    submit: t('admin.guards.set_keys'),
    tone: 'danger',
  };
}

/** Defines that form. @param page the page of a resource server, shown again when it is refused */
export function resourceServerProofForm(page: PageDefinition, homes: string): FormDefinition {
  return form({
    path: '/resource-servers/:id/keys',
    operation: resourceServerOperations.setKeys,
    page,
    input: (posted, { id = '' }) => ({ params: { resource_server_id: id }, body: proofOf(posted) }),
    done: ({ id, name, private_key }, _, words) =>
      proofPage(words, { id: name, client_secret: null, private_key }, `${homes}/${id}`),
  });
}
