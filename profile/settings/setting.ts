// What is a setting? One row of a table: from it come the parser, the help, the documentation and the error messages.
// Agent, backend and command line each keep their own table; this is only the shape of its rows.

/** One setting. The flag is `--name`, the environment variable FLAMETRAIL_ + the name in capitals with _ for - and .,
 *  the key of the YAML file the name itself. Precedence: flag > environment > file > default. */
export interface Setting<T extends SettingValue = SettingValue> {
  /** Kebab case: "listen", "frequency". */
  readonly name: string
  /** One letter: `-d` for `--duration`. */
  readonly short?: string
  readonly kind: SettingKind
  /** Shown in help: "Hz", "HOST:PORT", "FILE", "DURATION". "" for flags. */
  readonly unit: string
  readonly default: T
  /** As one would type it. */
  readonly example: string
  /** One sentence: what it does and why one would change it. */
  readonly why: string
  /** Allowed range of numbers, durations (ms) and sizes (bytes). */
  readonly min?: number
  readonly max?: number
  /** Allowed words. */
  readonly choices?: readonly string[]
  /** Of a duration: what a bare number counts, in ms; absent: a unit must be given. */
  readonly bareUnitMs?: number
}
export type SettingValue = string | number | boolean | readonly string[]
/** `duration` parses 10s, 1h30m, 500ms to milliseconds; `size` parses 64MB, 20GB to bytes (powers of 1024). */
export type SettingKind = 'string' | 'number' | 'boolean' | 'duration' | 'size' | 'list'
