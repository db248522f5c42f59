/** Lifetimes in seconds, built up from their units. */
const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

/** RFC 6749 section 4.1.2 recommends at most ten minutes; clients redeem at once. */
export const authorizationCodeSeconds = minute;
export const deviceCodeSeconds = 10 * minute;
export const interactionSeconds = hour;
/** An anonymous visit leaves little behind; a signed-in browser stays so for two weeks of use. */
export const anonymousSessionSeconds = 15 * minute;
export const signedInSessionSeconds = 14 * day;
/** Slides with every rotation; the authorization's own end bounds it. */
export const refreshTokenSeconds = 90 * day;
/** Longer than any refresh token of it can live unused; prolonged by use (`used-grant.ts`). */
export const grantSeconds = 400 * day;
/** What a client signs to show who it is. */
export const mostClientAssertionSeconds = hour;
export const idTokenSeconds = hour;
/** A rotated refresh token that comes back this soon is a lost answer or a second process (RFC 9700 section 4.14.2). */
export const refreshGraceSeconds = minute;
/** The most that an administrator may allow a tool that keeps to an old one: it is a theft's head start as well. */
export const mostRefreshGraceSeconds = hour;
