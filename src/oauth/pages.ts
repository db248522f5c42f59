/** The pages that the library asks for in the middle of its own requests; `interaction` draws them. */
import type { Client, errors, KoaContextWithOIDC, UnknownObject } from 'oidc-provider';

export interface DevicePages {
  /** What is remembered of the device that asked, to be shown to whoever confirms. */
  deviceInfo(ctx: KoaContextWithOIDC): UnknownObject;
  userCodeInput(
    ctx: KoaContextWithOIDC,
    form: string,
    out?: unknown,
    error?: errors.OIDCProviderError | Error,
  ): Promise<void>;
  userCodeConfirm(
    ctx: KoaContextWithOIDC,
    form: string,
    client: Client,
    deviceInfo: UnknownObject,
    userCode: string,
  ): Promise<void>;
  deviceDone(ctx: KoaContextWithOIDC): Promise<void>;
}

export interface SessionPages {
  signOut(ctx: KoaContextWithOIDC, form: string): Promise<void>;
  signedOut(ctx: KoaContextWithOIDC): Promise<void>;
  renderError(
    ctx: KoaContextWithOIDC,
    out: { error: string; error_description?: string | undefined },
    error: Error,
  ): Promise<void>;
}
