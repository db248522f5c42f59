import type { Words } from '../http/messages.ts';
import { methodOf, type UpstreamProvider } from '../sign-in/upstream-provider.ts';

/**
 * Says how somebody signed in, e.g. `Password and code`. Pure.
 * @param methods as the session keeps them: RFC 8176, and `upstream:NAME`
 * @returns empty where nobody knows
 */
export function methodWords(
  methods: readonly string[],
  providers: readonly Pick<UpstreamProvider, 'name' | 'label'>[],
  { t }: Words,
): string {
  const upstream = methods.find((method) => method.startsWith('upstream:'));
  const coded = methods.includes('otp');
  if (upstream !== undefined) {
    const provider = providers.find((one) => methodOf(one) === upstream)?.label ?? upstream.slice(9);
    return t(coded ? 'account.security.way.upstream_code' : 'account.security.way.upstream', { provider });
  }
  if (methods.includes('pwd')) {
    return t(coded ? 'account.security.way.password_code' : 'account.security.way.password');
  }
  return methods.some((method) => ['hwk', 'swk'].includes(method)) ? t('account.security.way.passkey') : '';
}
