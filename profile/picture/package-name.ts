// Which package does a function belong to? What readers group by: the Go package, the namespace or crate, the Java
// package, else the binary it was mapped from.
import { FOLDED_NAME } from '../tree/call-tree.ts'

/** Names the package of a frame: "net/http" of net/http.(*conn).serve, "tokio::runtime" of tokio::runtime::park,
 *  "com.shop.cart" of com.shop.cart.Cart.add; without any such prefix the mapping, or "". */
export function packageOf(name: string, mapping: string): string {
  if (name === FOLDED_NAME) return ''
  const slash = name.lastIndexOf('/')
  const dot = name.indexOf('.', slash + 1)
  if (slash > 0 && dot > slash && !name.includes(' ')) return name.slice(0, dot)
  const plain = name.replace(/[<([{].*$/s, '') // template arguments and signatures hold foreign separators
  const colons = plain.lastIndexOf('::')
  if (colons > 0) return firstParts(plain.slice(0, colons), '::', 2)
  const parts = plain.split('.')
  if (parts.length >= 4) return parts.slice(0, 3).join('.')
  return mapping
}

const firstParts = (text: string, separator: string, count: number): string =>
  text.split(separator).slice(0, count).join(separator)
