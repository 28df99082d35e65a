// How are stacks kept? As a trie of locations: a stack is a node, its caller's stack is the parent.
// Node 0 is the empty stack; a parent has a smaller id than its children, so one pass in either direction visits
// callers before callees or callees before callers, without recursion.

/** Columns of equal length n ≥ 1; `parent[0] = location[0] = NONE`; for i > 0: 0 ≤ parent[i] < i.
 *  A node's path to 0 lists its locations leaf first, callers after callees. */
export interface StackTable {
  readonly parent: Int32Array
  readonly location: Int32Array
}
