/** Which tokens a client may exchange for which, on its page: set by an administrator, and by nobody else (RFC 8693). */
import type { Words } from '../../http/messages.ts';
import type { Form } from '../../http/read-form.ts';
import type { ClientDocument } from '../api/client-operations.ts';
import { clientSettingsOperation } from '../api/client-settings.ts';
import { type FormDefinition, field, fields, form, type PageDefinition, seenVersion } from './page.ts';
import type { Block, Field } from './page-model.ts';

const mostBoxes = 30;

/** The choice; nothing for a client that cannot show who it is. Pure. @param audiences those that there are */
export function exchangeBlock(client: ClientDocument, audiences: readonly string[], words: Words): Block[] {
  const { t } = words;
  if (client.kind !== 'registered' || client.metadata.token_endpoint_auth_method === 'none') return [];
  return [
    {
      kind: 'form',
      title: t('admin.clients.exchange'),
      text: t('admin.clients.exchange_text'),
      action: `/admin/clients/${encodeURIComponent(client.id)}/exchange`,
      hidden: { version: String(client.version) },
      fields: [
        {
          kind: 'boxes',
          name: 'exchange_own',
          label: t('admin.clients.exchange_which'),
          boxes: [{ value: 'yes', label: t('admin.clients.exchange_own'), checked: client.exchange_own }],
        },
        audienceField(
          'exchange_from',
          t('admin.clients.exchange_from'),
          client.exchange_from,
          audiences,
          words,
        ),
        audienceField('exchange_to', t('admin.clients.exchange_to'), client.exchange_to, audiences, words),
      ],
      submit: t('admin.save'),
    },
  ];
}

/** Boxes while there are few audiences, else lines. */
function audienceField(
  name: 'exchange_from' | 'exchange_to',
  label: string,
  chosen: readonly string[],
  audiences: readonly string[],
  { t }: Words,
): Field {
  if (audiences.length > mostBoxes) {
    return { kind: 'lines', name, label, value: chosen.join('\n'), hint: t('admin.one_a_line') };
  }
  const boxes = audiences.map((uri) => ({ value: uri, label: uri, checked: chosen.includes(uri) }));
  return { kind: 'boxes', name, label, boxes };
}

/** Defines the form. @param page the client's own, shown again when it is refused */
export function exchangeForm(page: PageDefinition): FormDefinition {
  return form({
    path: '/clients/:id/exchange',
    operation: clientSettingsOperation,
    page,
    input: (posted, { id = '' }) => ({
      params: { client_id: id },
      body: {
        exchange_own: field(posted, 'exchange_own') === 'yes',
        exchange_from: audiencesOf(posted, 'exchange_from'),
        exchange_to: audiencesOf(posted, 'exchange_to'),
      },
      version: seenVersion(posted),
    }),
    done: ({ id }) => `/admin/clients/${encodeURIComponent(id)}`,
  });
}

const audiencesOf = (posted: Form, name: string) =>
  fields(posted, name)
    .flatMap((value) => value.split('\n'))
    .map((value) => value.trim())
    .filter((value) => value !== '');
