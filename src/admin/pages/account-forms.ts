/** The forms on an account's pages: each performs the operation of its name. */
import type { AccountOperations } from '../api/account-operations.ts';
import { type FormDefinition, field, fields, form, type PageDefinition, seenVersion } from './page.ts';
import { projectOf } from './project-field.ts';

/** The same id under the name that each kind's operations know. */
export const ids = (id: string) => ({ user_id: id, service_account_id: id });

export function accountForms({
  section,
  root,
  operations,
  pages,
}: {
  section: string;
  root: string;
  operations: AccountOperations;
  pages: { fresh: PageDefinition; profile: PageDefinition; access: PageDefinition };
}): FormDefinition[] {
  return [
    form({
      path: `/${section}/new`,
      operation: operations.create,
      page: pages.fresh,
      input: (posted) => {
        const password = posted.get('password')?.[0] ?? '';
        return {
          body: {
            email: field(posted, 'email'),
            name: field(posted, 'name'),
            ...(password === '' ? {} : { password }),
            role_ids: fields(posted, 'role_ids'),
          },
        };
      },
      done: ({ id }) => `${root}/${id}`,
    }),
    form({
      path: `/${section}/:id`,
      operation: operations.update,
      page: pages.profile,
      input: (posted, { id = '' }) => ({
        params: ids(id),
        version: seenVersion(posted),
        body: { email: field(posted, 'email'), name: field(posted, 'name') },
      }),
      done: ({ id }) => `${root}/${id}`,
    }),
    form({
      path: `/${section}/:id/password`,
      operation: operations.update,
      page: pages.profile,
      input: (posted, { id = '' }) => ({
        params: ids(id),
        version: seenVersion(posted),
        body: { password: field(posted, 'end') === 'yes' ? null : (posted.get('password')?.[0] ?? '') },
      }),
      done: ({ id }) => `${root}/${id}`,
    }),
    form({
      path: `/${section}/:id/suspend`,
      operation: operations.suspend,
      page: pages.profile,
      input: (_, { id = '' }) => ({ params: ids(id) }),
      done: ({ id }) => `${root}/${id}`,
    }),
    form({
      path: `/${section}/:id/resume`,
      operation: operations.resume,
      page: pages.profile,
      input: (_, { id = '' }) => ({ params: ids(id) }),
      done: ({ id }) => `${root}/${id}`,
    }),
    form({
      path: `/${section}/:id/roles`,
      operation: operations.assign,
      page: pages.access,
      input: async (posted, { id = '' }, deps) => ({
        params: ids(id),
        body: {
          role_id: field(posted, 'role'),
          project_id: (await projectOf(deps, field(posted, 'project'))) || null,
        },
      }),
      done: ({ id }) => `${root}/${id}/access`,
    }),
    form({
      path: `/${section}/:id/remove-role`,
      operation: operations.unassign,
      page: pages.access,
      input: (posted, { id = '' }) => ({
        params: { ...ids(id), role_id: field(posted, 'role') },
        query: posted.has('project') ? { project_id: field(posted, 'project') } : {},
      }),
      done: ({ id }) => `${root}/${id}/access`,
    }),
  ];
}
