/**
 * The letters that a person types for a device. The library draws them and looks no further: a tool that drew another one's would be met by
 * the unique index, and by an error. Here it gets others. And what is typed is read as `user-code.ts` says, by it alone.
 * @see RFC 8628 sections 5.1 and 6.1
 */
import Provider from 'oidc-provider';
import { generate, normalize } from 'oidc-provider/lib/helpers/user_codes.js';
import { normalizeUserCode, showUserCode, userCodeShape } from './user-code.ts';

/** So many draws in a row that are all taken are no chance. */
const mostDraws = 8;

interface DeviceCode {
  jti?: string;
  /** Its letters alone. */
  userCode?: string;
  save(): Promise<string>;
}

interface DeviceCodeModel {
  readonly prototype: DeviceCode;
  readonly adapter: { findByUserCode(letters: string): Promise<object | undefined> };
  findByUserCode(letters: string, options?: object): Promise<DeviceCode | undefined>;
}

/** Makes device codes draw again while another one has their user code, also when it is the code of a login that is over. */
export function keepUserCodesApart(provider: Provider): void {
  const model = provider.DeviceCode as unknown as DeviceCodeModel;
  const { prototype } = model;
  const { save } = prototype;
  prototype.save = async function saveApart(this: DeviceCode): Promise<string> {
    // One that is saved again keeps its code.
    for (let draws = 1; this.jti === undefined && this.userCode !== undefined; draws += 1) {
      if (!(await model.adapter.findByUserCode(this.userCode))) break;
      if (draws === mostDraws) throw new Error(`${mostDraws} user codes in a row were taken`);
      this.userCode = normalize(generate(userCodeShape.charset, userCodeShape.mask));
    }
    return save.call(this);
  };
  provider.on('device_authorization.success', ({ oidc }, body) => {
    const answer = body as { user_code: string; verification_uri_complete: string };
    const { userCode } = oidc.entities.DeviceCode as unknown as Required<DeviceCode>;
    answer.user_code = showUserCode(userCode);
    const address = new URL(answer.verification_uri_complete);
    address.searchParams.set('user_code', answer.user_code);
    answer.verification_uri_complete = address.href;
  });
}

/** Finds a device code by what was typed. The library would drop every letter that is not ASCII, also those that a keyboard writes wide. */
export function readUserCodesAsTyped(provider: Provider): void {
  const model = provider.DeviceCode as unknown as DeviceCodeModel;
  const find = model.findByUserCode;
  model.findByUserCode = async function findAsTyped(letters, options) {
    const typed = Provider.ctx?.oidc.params?.user_code;
    const code = normalizeUserCode(typeof typed === 'string' ? typed : letters);
    return code === undefined ? undefined : find.call(this, normalize(code), options);
  };
}
