// How do words chosen by strangers become safe to show? Names of processes, paths and functions pass here once.

/** What has no place in a name: C0 and C1 controls (terminal escapes, newlines). */
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]/g

/** A name as people may see it: control characters become "?", more than `charsMax` is cut. */
export function cleanText(text: string, charsMax = 4096): string {
  return text.slice(0, charsMax).replace(CONTROLS, '?')
}

/** The last component of a path, without the kernel's mark for a deleted file: "/usr/bin/x (deleted)" is "x". */
export function baseName(path: string): string {
  const alive = path.endsWith(' (deleted)') ? path.slice(0, -10) : path
  return alive.slice(alive.lastIndexOf('/') + 1)
}
