/**
 * Refuses bounds that are no numbers. Pure.
 *
 * @param bounds - by name
 * @throws RangeError when one was misread, as from a setting that is not there: nothing is ever more than it, so it would bound nothing
 */
export function mustBound(bounds: Readonly<Record<string, number>>): void {
  for (const [name, bound] of Object.entries(bounds)) {
    if (!Number.isFinite(bound) || bound < 0) throw new RangeError(`${name} is ${bound}`);
  }
}
