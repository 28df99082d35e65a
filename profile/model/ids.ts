// Which number means what? One brand per index space, so that a location can never be used as a stack.
// Refuses nothing at run time: the constructors are casts, their cost is zero. Idea: Firefox Profiler's index types,
// made incompatible with each other and with plain numbers.

declare const brand: unique symbol
/** A value of type T that only code naming the brand B can make. */
export type Brand<T, B extends string> = T & { readonly [brand]: B }

/** The one sentinel of a column: no parent, no mapping, no function. In a value, absence is `undefined`. */
export const NONE = -1

/** Row of `Profile.strings`; 0 is the empty string. */
export type StringId = Brand<number, 'StringId'>
/** Row of `Profile.functions`. */
export type FunctionId = Brand<number, 'FunctionId'>
/** Row of `Profile.mappings`. */
export type MappingId = Brand<number, 'MappingId'>
/** Row of `Profile.locations`. */
export type LocationId = Brand<number, 'LocationId'>
/** Node of a stack trie, naming the stack that ends (leaf) there; 0 is the empty stack. */
export type StackId = Brand<number, 'StackId'>
/** Row of `Profile.labelSets`. */
export type LabelSetId = Brand<number, 'LabelSetId'>
/** Row of a `FrameTable`; 0 is the frame of the root, "total". */
export type FrameId = Brand<number, 'FrameId'>
/** Node of a call tree in pre-order; 0 is the root. */
export type NodeIndex = Brand<number, 'NodeIndex'>

/** Names a plain number as an index of the kind that the caller expects. Cost: none. */
export const asId = <T extends Brand<number, string>>(index: number): T => index as T
