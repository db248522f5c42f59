/** Which words say what a check looks at and what to do when it fails: keys of the message catalogue. */
import type { Check } from './finding.ts';

export const checkWords: Readonly<Record<Check, { readonly title: string; readonly advice: string }>> = {
  reachable: { title: 'doctor.reachable_check', advice: 'doctor.reachable_advice' },
  challenge: { title: 'doctor.challenge_check', advice: 'doctor.challenge_advice' },
  challenge_metadata: {
    title: 'doctor.challenge_metadata_check',
    advice: 'doctor.challenge_metadata_advice',
  },
  resource_metadata: { title: 'doctor.resource_metadata_check', advice: 'doctor.resource_metadata_advice' },
  resource_equal: { title: 'doctor.resource_equal_check', advice: 'doctor.resource_equal_advice' },
  resource_servers: { title: 'doctor.resource_servers_check', advice: 'doctor.resource_servers_advice' },
  server_metadata: { title: 'doctor.server_metadata_check', advice: 'doctor.server_metadata_advice' },
  issuer_equal: { title: 'doctor.issuer_equal_check', advice: 'doctor.issuer_equal_advice' },
  endpoints: { title: 'doctor.endpoints_check', advice: 'doctor.endpoints_advice' },
  code_flow: { title: 'doctor.code_flow_check', advice: 'doctor.code_flow_advice' },
  pkce: { title: 'doctor.pkce_check', advice: 'doctor.pkce_advice' },
  iss_parameter: { title: 'doctor.iss_parameter_check', advice: 'doctor.iss_parameter_advice' },
  scopes: { title: 'doctor.scopes_check', advice: 'doctor.scopes_advice' },
  refresh: { title: 'doctor.refresh_check', advice: 'doctor.refresh_advice' },
  public_clients: { title: 'doctor.public_clients_check', advice: 'doctor.public_clients_advice' },
  registration: { title: 'doctor.registration_check', advice: 'doctor.registration_advice' },
  metadata_cors: { title: 'doctor.metadata_cors_check', advice: 'doctor.metadata_cors_advice' },
  token_preflight: { title: 'doctor.token_preflight_check', advice: 'doctor.token_preflight_advice' },
  speed: { title: 'doctor.speed_check', advice: 'doctor.speed_advice' },
  register: { title: 'doctor.register_check', advice: 'doctor.register_advice' },
  authorize: { title: 'doctor.authorize_check', advice: 'doctor.authorize_advice' },
};
