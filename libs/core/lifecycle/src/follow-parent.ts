/** With this variable a service ends in order when its parent has gone, as a signal would have it. */
export const FOLLOW_PARENT = "XEBEC_FOLLOW_PARENT";
const LOOK_MS = 250;

/** Looks now and then whether the parent is still the same. @param gone called once when it is not */
export function followParent(gone: () => void): void {
  const parent = process.ppid;
  const look = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(look);
    gone();
  }, LOOK_MS);
  look.unref();
}
