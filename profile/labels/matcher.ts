// PLACEHOLDER: written by the owner of profile/labels.
export type MatchOperator = '=' | '!=' | '=~' | '!~'
export interface Matcher {
  readonly name: string
  readonly operator: MatchOperator
  readonly value: string
}
