/** The Access tab: which roles an account holds where, what they amount to, and what it may manage. */
import { managementPermissions } from '../../directory/management-permissions.ts';
import { capabilityWords } from '../../interaction/capability-words.ts';
import type { Account } from '../api/account-document.ts';
import { roleOperations } from '../api/role-operations.ts';
import { field, type PageRequest } from './page.ts';
import { type Block, type Button, type Cell, code, muted, text } from './page-model.ts';
import { projectField } from './project-field.ts';
import { addressOf, codes, permissionLabel } from './words.ts';

export async function accessBlocks(
  request: PageRequest,
  account: Account,
  root: string,
  mayChange: boolean,
): Promise<Block[]> {
  const { ask, words, deps, typed } = request;
  const { t } = words;
  const home = `${root}/${account.id}`;
  const remove = (role: string, project?: string): Button => ({
    action: addressOf(`${home}/remove-role`, { role, ...(project === undefined ? {} : { project }) }),
    label: t('admin.access.remove'),
    get: true,
  });
  const held = account.roles.map((role) => ({
    cells: [[text(role.name), code(role.slug)], [text(t('admin.access.organization'))]] as Cell[],
    ...(mayChange && { buttons: [remove(role.id)] }),
  }));
  const onProjects = account.projects.flatMap((project) =>
    project.roles.map((role) => ({
      cells: [[text(role.name), code(role.slug)], [code(project.slug)]] as Cell[],
      ...(mayChange && { buttons: [remove(role.id, project.id)] }),
    })),
  );
  const blocks: Block[] = [
    {
      kind: 'table',
      title: t('admin.access.roles'),
      text: t('admin.access.roles_text'),
      columns: [t('admin.column.role'), t('admin.access.where')],
      rows: [...held, ...onProjects],
      empty: t('admin.access.no_roles'),
      ...(mayChange && { actions: t('admin.column.actions') }),
    },
  ];
  if (mayChange) {
    const { items: roles } = await ask(roleOperations.list);
    blocks.push({
      kind: 'form',
      title: t('admin.access.give'),
      action: `${home}/roles`,
      fields: [
        {
          kind: 'menu',
          name: 'role',
          label: t('admin.column.role'),
          options: roles.map(({ id, name }) => ({
            value: id,
            label: name,
            selected: field(typed, 'role') === id,
          })),
        },
        await projectField(request, {
          name: 'project',
          label: t('admin.access.where'),
          value: field(typed, 'project'),
          none: t('admin.access.organization'),
        }),
      ],
      submit: t('admin.access.give_submit'),
    });
  }
  return [
    ...blocks,
    {
      kind: 'facts',
      title: t('admin.access.amounts'),
      facts: [
        { term: t('admin.access.organization'), cell: codes(account.permissions, words) },
        ...account.projects.map(({ slug, permissions }) => ({ term: slug, cell: codes(permissions, words) })),
      ],
    },
    {
      kind: 'table',
      title: t('admin.access.delegable'),
      text: t('admin.access.delegable_text'),
      columns: [t('admin.access.capability'), t('admin.access.delegation')],
      rows: [...deps.catalogue.values()].map((capability) => ({
        cells: [
          [text(capabilityWords(capability, words).title), code(capability.name)],
          [
            account.delegable_capabilities.includes(capability.name)
              ? { kind: 'badge', text: t('admin.access.delegated'), tone: 'good' }
              : muted(t('admin.access.not_delegated')),
          ],
        ],
      })),
      empty: t('admin.none'),
    },
    {
      kind: 'facts',
      title: t('admin.access.management'),
      facts: managementPermissions.map((name) => ({
        term: permissionLabel(name, words),
        cell: account.management_permissions.includes(name)
          ? ([{ kind: 'badge', text: t('admin.access.held'), tone: 'good' }, code(name)] as const)
          : [muted(t('admin.access.not_held')), code(name)],
      })),
    },
  ];
}
