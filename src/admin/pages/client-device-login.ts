/** Whether a client may log people in by device code, on its page and where it is registered. */
import type { Words } from '../../http/messages.ts';
import { canHaveDeviceLogin } from '../api/client-device-login.ts';
import type { ClientDocument } from '../api/client-operations.ts';
import { clientSettingsOperation } from '../api/client-settings.ts';
import { type FormDefinition, field, form, type PageDefinition, seenVersion } from './page.ts';
import type { Block, Field } from './page-model.ts';

/** The box that says so. Pure. */
export function deviceLoginField(checked: boolean, { t }: Words): Field {
  return {
    kind: 'boxes',
    name: 'device_login',
    label: t('admin.clients.device_login'),
    boxes: [{ value: 'yes', label: t('admin.clients.device_login_box'), checked }],
  };
}

/** The choice on its page; nothing for a client that decides it in its own registration, or acts as a service account. Pure. */
export function deviceLoginBlock(client: ClientDocument, words: Words): Block[] {
  const { t } = words;
  if (!canHaveDeviceLogin({ ...client, serviceAccountId: client.service_account_id })) return [];
  return [
    {
      kind: 'form',
      title: t('admin.clients.device_login'),
      text: t('admin.clients.device_login_text'),
      action: `/admin/clients/${encodeURIComponent(client.id)}/device-login`,
      hidden: { version: String(client.version) },
      fields: [deviceLoginField(client.device_login, words)],
      submit: t('admin.save'),
    },
  ];
}

/** Defines that form. @param page the client's own, shown again when it is refused */
export function deviceLoginForm(page: PageDefinition): FormDefinition {
  return form({
    path: '/clients/:id/device-login',
    operation: clientSettingsOperation,
    page,
    input: (posted, { id = '' }) => ({
      params: { client_id: id },
      body: { device_login: field(posted, 'device_login') === 'yes' },
      version: seenVersion(posted),
    }),
    done: ({ id }) => `/admin/clients/${encodeURIComponent(id)}`,
  });
}
