/** Whether a client may present identity assertions, on its page and where it is registered. */
import type { Words } from '../../http/messages.ts';
import type { AssertionIssuer } from '../../oauth/assertion-issuer.ts';
import { canPresentAssertions, presentsAssertions } from '../api/client-assertions.ts';
import type { ClientDocument } from '../api/client-operations.ts';
import { clientSettingsOperation } from '../api/client-settings.ts';
import { type FormDefinition, field, form, type PageDefinition, seenVersion } from './page.ts';
import type { Block, Field } from './page-model.ts';

/** Tells whether there is anything to present at all. Pure. */
export const isAnyTrusted = (issuers: readonly unknown[] = []): boolean => issuers.length > 0;

/** The box that says so. Pure. */
export function assertionsField(checked: boolean, { t }: Words): Field {
  return {
    kind: 'boxes',
    name: 'assertions',
    label: t('admin.clients.assertions'),
    boxes: [{ value: 'yes', label: t('admin.clients.assertions_box'), checked }],
  };
}

/**
 * Whether it may present identity assertions; nothing where no issuer of such is trusted, or it could not. Pure.
 * @param issuers that are trusted at all
 */
export function assertionsBlock(
  client: ClientDocument,
  issuers: readonly AssertionIssuer[] | undefined,
  words: Words,
): Block[] {
  const { t } = words;
  const trusted = isAnyTrusted(issuers);
  const labels = (issuers ?? [])
    .filter(({ clients }) => clients.includes(client.id))
    .map(({ label }) => label);
  const allowed = presentsAssertions(client.metadata);
  const can = canPresentAssertions({ ...client, serviceAccountId: client.service_account_id });
  if (!allowed && !(trusted && can)) return [];
  return [
    {
      kind: 'form',
      title: t('admin.clients.assertions'),
      text:
        labels.length > 0
          ? t('admin.clients.assertions_text', { issuers: words.list(labels) })
          : t('admin.clients.assertions_of_nobody'),
      action: `/admin/clients/${encodeURIComponent(client.id)}/assertions`,
      hidden: { version: String(client.version) },
      fields: [assertionsField(allowed, words)],
      submit: t('admin.save'),
    },
  ];
}

/** Defines that form. @param page the client's own, shown again when it is refused */
export function assertionsForm(page: PageDefinition): FormDefinition {
  return form({
    path: '/clients/:id/assertions',
    operation: clientSettingsOperation,
    page,
    input: (posted, { id = '' }) => ({
      params: { client_id: id },
      body: { assertions: field(posted, 'assertions') === 'yes' },
      version: seenVersion(posted),
    }),
    done: ({ id }) => `/admin/clients/${encodeURIComponent(id)}`,
  });
}
