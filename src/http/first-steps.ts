/** What a newcomer can type: the commands that the start page and the terminal both show. */

export interface FirstSteps {
  /** Starts the device flow; its answer names the link to open. */
  readonly startDevice: string;
  /** Fetches the token once the person has chosen. */
  readonly fetchToken: string;
  readonly introspect: string;
  /** Changes what the next introspection answers. */
  readonly takeAway: string;
}

/**
 * Writes the commands. Pure.
 * @param demo the demo organization is loaded, so its names can be used as they are
 */
export function firstSteps({ issuer, demo }: { issuer: string; demo: boolean }): FirstSteps {
  const client = demo ? 'mandate-cli' : 'CLIENT_ID';
  const caller = demo ? 'acme-api:acme-api-demo-secret-not-for-production' : 'RESOURCE_SERVER:SECRET';
  const [user, project] = demo ? ['editor@acme.test', 'atlas'] : ['USER', 'PROJECT'];
  return {
    startDevice: `curl -s -d client_id=${client} -d 'scope=api flows:edit' ${issuer}/device/auth`,
    fetchToken: `curl -s -d client_id=${client} -d grant_type=urn:ietf:params:oauth:grant-type:device_code -d device_code=… ${issuer}/token`,
    introspect: `curl -s -u ${caller} -d token=… ${issuer}/introspect`,
    takeAway: `npm run -s mandate -- assignments remove ${user} --project ${project}`,
  };
}
