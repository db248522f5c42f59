/** The field in which a new account gets its first roles on the organization. */
import type { Words } from '../../http/messages.ts';
import { roleOperations } from '../api/role-operations.ts';
import { fields, type PageRequest } from './page.ts';
import type { Field } from './page-model.ts';

/** Builds it: Member is ticked, until something else was. */
export async function firstRolesField(
  { ask, typed }: Pick<PageRequest, 'ask' | 'typed'>,
  { t }: Pick<Words, 't'>,
): Promise<Field> {
  const { items: roles } = await ask(roleOperations.list);
  const chosen = typed
    ? fields(typed, 'role_ids')
    : roles.filter(({ slug }) => slug === 'member').map(({ id }) => id);
  return {
    kind: 'boxes',
    name: 'role_ids',
    label: t('admin.account.roles'),
    boxes: roles.map(({ id, name, slug }) => ({
      value: id,
      label: name,
      code: slug,
      checked: chosen.includes(id),
    })),
    hint: t('admin.account.roles_hint'),
  };
}
