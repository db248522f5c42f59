/** What an administrator sets for one client, on its page. */
import type { Words } from '../../http/messages.ts';
import type { ClientDocument } from '../api/client-operations.ts';
import { clientSettingsOperation } from '../api/client-settings.ts';
import { type FormDefinition, field, form, type PageDefinition, seenVersion } from './page.ts';
import type { Block } from './page-model.ts';

const offeredMinutes = [1, 5, 15, 30, 60];

/** The choice of how long an old refresh token is good; nothing for a client that has no refresh tokens. Pure. */
export function refreshGraceBlock(client: ClientDocument, words: Words): Block[] {
  const { t } = words;
  const grants = client.metadata.grant_types;
  if (!Array.isArray(grants) || !grants.includes('refresh_token')) return [];
  const current = client.refresh_grace_seconds === null ? 1 : client.refresh_grace_seconds / 60;
  const minutes = offeredMinutes.includes(current) ? offeredMinutes : [...offeredMinutes, current];
  return [
    {
      kind: 'form',
      title: t('admin.clients.refresh_grace'),
      text: t('admin.clients.refresh_grace_text'),
      action: `/admin/clients/${encodeURIComponent(client.id)}/settings`,
      hidden: { version: String(client.version) },
      fields: [
        {
          kind: 'menu',
          name: 'refresh_grace_seconds',
          label: t('admin.clients.refresh_grace_field'),
          options: minutes.map((count) => ({
            value: String(count * 60),
            label: words.plural('admin.clients.minutes', Math.round(count)),
            selected: count === current,
          })),
        },
      ],
      submit: t('admin.save'),
    },
  ];
}

/** Defines the form. @param page the client's own, shown again when it is refused */
export function settingsForm(page: PageDefinition): FormDefinition {
  return form({
    path: '/clients/:id/settings',
    operation: clientSettingsOperation,
    page,
    input: (posted, { id = '' }) => {
      const seconds = Number(field(posted, 'refresh_grace_seconds'));
      return {
        params: { client_id: id },
        // A minute is what everybody has: nothing is set.
        body: { refresh_grace_seconds: seconds === 60 ? null : seconds },
        version: seenVersion(posted),
      };
    },
    done: ({ id }) => `/admin/clients/${encodeURIComponent(id)}`,
  });
}
