/** What a client's metadata says of its grants (RFC 7591 section 2). */
export type Metadata = Readonly<Record<string, unknown>>;

/** Lists them: whoever names none has the code grant. Pure. */
export function grantsOf({ grant_types: grants = ['authorization_code'] }: Metadata): string[] {
  return Array.isArray(grants) ? grants.map(String) : [];
}
