/** What a newcomer can type: the commands that the start page and the terminal both show. */

export interface FirstSteps {
  /** Logs a command line in, and waits for the person. */
  readonly login: string;
  /** Says who that is, and what the login may do. */
  readonly whoami: string;
  readonly introspect: string;
  /** Changes what the next introspection answers. */
  readonly takeAway: string;
}

/** Where the commands ask when they are not told. */
const defaultIssuer = 'http://localhost:4000';

/** How the command line is called: in a clone, which runs the sources, and where it is installed. */
const mandate = import.meta.filename.endsWith('.ts') ? 'npm run -s mandate --' : 'mandate';

/**
 * Writes the commands. Pure.
 * @param demo the demo organization is loaded, so its names can be used as they are
 */
export function firstSteps({ issuer, demo }: { issuer: string; demo: boolean }): FirstSteps {
  const caller = demo ? 'acme-api:acme-api-demo-secret-not-for-production' : 'RESOURCE_SERVER:SECRET';
  const [user, project] = demo ? ['editor@acme.test', 'atlas'] : ['USER', 'PROJECT'];
  const there = issuer === defaultIssuer ? '' : ` --issuer ${issuer}`;
  return {
    login: `${mandate} login${there} --scope 'api flows:edit'`,
    whoami: `${mandate} whoami${there}`,
    introspect: `curl -s -u ${caller} -d token="$(${mandate} token${there})" ${issuer}/introspect`,
    takeAway: `${mandate} assignments remove ${user} --project ${project}`,
  };
}
