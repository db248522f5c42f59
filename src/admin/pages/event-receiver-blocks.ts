/** What a resource server's page says of the events that are pushed to it, and the forms for them. */
import type { Words } from '../../http/messages.ts';
import type { EventReceiver } from '../../security-events/receiver-store.ts';
import { eventReceiverOperations } from '../api/event-receiver-operations.ts';
import { type FormDefinition, field, form, type PageDefinition } from './page.ts';
import { type Block, code, muted, text, time } from './page-model.ts';

/** @param home the resource server's page */
export function eventReceiverBlocks(
  receiver: EventReceiver | undefined,
  home: string,
  { t }: Words,
): Block[] {
  const edit: Block = {
    kind: 'form',
    title: t('admin.events.title'),
    text: t('admin.events.text'),
    action: `${home}/events`,
    fields: [
      {
        kind: 'text',
        name: 'endpoint',
        label: t('admin.events.endpoint'),
        value: receiver?.endpoint ?? '',
        hint: t('admin.events.endpoint_hint'),
        required: true,
      },
      {
        kind: 'password',
        name: 'token',
        label: t('admin.events.token'),
        hint: t(receiver?.token === undefined ? 'admin.events.token_hint' : 'admin.events.token_kept'),
      },
    ],
    submit: t('admin.save'),
  };
  if (!receiver) return [edit];
  return [
    edit,
    {
      kind: 'facts',
      facts: [
        {
          term: t('admin.events.last_told'),
          cell: [receiver.lastToldAt === null ? muted(t('admin.events.never')) : time(receiver.lastToldAt)],
        },
        ...(receiver.lastFailure === null
          ? []
          : [
              {
                term: t('admin.events.trouble'),
                cell: [code(receiver.lastFailure), text(`× ${receiver.failures}`)],
              },
            ]),
      ],
    },
    {
      kind: 'buttons',
      buttons: [
        { action: `${home}/events/verify`, label: t('admin.events.verify') },
        { action: `${home}/events/remove`, label: t('admin.events.remove'), tone: 'danger' },
      ],
    },
  ];
}

/** @param page shown again when a form is refused @param guards where resource servers are */
export function eventReceiverForms(page: PageDefinition, guards: string): FormDefinition[] {
  const of = (id: string | undefined) => ({ params: { resource_server_id: id ?? '' } });
  return [
    form({
      path: '/resource-servers/:id/events',
      operation: eventReceiverOperations.set,
      page,
      input: (posted, { id }) => {
        const token = field(posted, 'token');
        return { ...of(id), body: { endpoint: field(posted, 'endpoint'), ...(token !== '' && { token }) } };
      },
      done: (_, { id }) => `${guards}/${id}`,
    }),
    form({
      path: '/resource-servers/:id/events/remove',
      operation: eventReceiverOperations.remove,
      page,
      input: (_, { id }) => of(id),
      done: (_, { id }) => `${guards}/${id}`,
    }),
    form({
      path: '/resource-servers/:id/events/verify',
      operation: eventReceiverOperations.verify,
      page,
      input: (_, { id }) => of(id),
      done: ({ taken, reason }, { id }, { t }) => ({
        title: t('admin.events.title'),
        back: { href: `${guards}/${id}`, label: t('admin.nav.resource_servers') },
        badge: taken
          ? { text: t('admin.events.taken'), tone: 'good' }
          : { text: t('admin.events.refused'), tone: 'danger' },
        lead: taken ? t('admin.events.taken_text') : t('admin.events.refused_text', { reason: reason ?? '' }),
        blocks: [],
      }),
    }),
  ];
}
