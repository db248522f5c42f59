/** Names what a request was for and what came of it: few names, none of them written by whoever asks. Pure. */

const endpoints: Readonly<Record<string, string>> = {
  '': 'start',
  '.well-known': 'metadata',
  account: 'account',
  admin: 'admin',
  api: 'api',
  assets: 'assets',
  authorize: 'authorize',
  changes: 'changes',
  'csp-reports': 'csp_reports',
  device: 'device',
  'forgot-password': 'forgot_password',
  healthz: 'health',
  interaction: 'interaction',
  introspect: 'introspect',
  invitation: 'invitation',
  jwks: 'metadata',
  metrics: 'metrics',
  par: 'par',
  readyz: 'health',
  register: 'register',
  'reset-password': 'reset_password',
  revoke: 'revoke',
  session: 'session',
  'sign-in': 'sign_in',
  token: 'token',
  userinfo: 'userinfo',
  uses: 'uses',
};

/** Names the endpoint of a request's target; what is not known has one name. */
export function endpointOf(target: string): string {
  const [first = ''] = target.slice(1).split(/[/?#]/, 1);
  return Object.hasOwn(endpoints, first) ? (endpoints[first] ?? 'other') : 'other';
}

export type AnswerOutcome = 'success' | 'redirect' | 'refusal' | 'failure' | 'aborted';

/** Names what was answered. @param complete whether the answer was given to its end */
export function outcomeOf(status: number, complete: boolean): AnswerOutcome {
  if (!complete) return 'aborted';
  if (status < 300) return 'success';
  if (status < 400) return 'redirect';
  return status < 500 ? 'refusal' : 'failure';
}
