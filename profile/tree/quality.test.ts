import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbTree } from '../testing/arbitrary.ts'
import { treeFromStacks } from '../testing/draw.ts'
import { qualityOf } from './quality.ts'

describe('the quality of trees', () => {
  it('counts stacks under the marker, and frames without a name by what runs below them', () => {
    const tree = treeFromStacks(`
      [truncated]   main          main   main
      libc.so+0x10  work          work   [unknown]
                    libc.so+0x10
    `)
    // frames: 1 + 3 + 2 + 2, the marker is none; of them two addresses and one that came too late
    expect(qualityOf([tree])).toEqual({ endEarly: 1 / 4, unnamed: 3 / 8 })
  })

  it('weighs trees by what they hold, whatever is in which', () => {
    const named = treeFromStacks(`
      main main
    `)
    const unnamed = treeFromStacks(`
      0x7f00
    `)
    expect(qualityOf([named, unnamed]).unnamed).toBe(1 / 3)
  })

  it('takes no function for an address', () => {
    const tree = treeFromStacks(`
      operator+0xyz f0x12 main+0x
    `)
    expect(qualityOf([tree]).unnamed).toBe(0)
  })

  it('is 0 and 0 of nothing', () => {
    expect(qualityOf([])).toEqual({ endEarly: 0, unnamed: 0 })
  })

  it('is a share of any tree', () => {
    fc.assert(
      fc.property(fc.array(arbTree(), { maxLength: 3 }), (trees) => {
        for (const share of Object.values(qualityOf(trees))) {
          expect(share).toBeGreaterThanOrEqual(0)
          expect(share).toBeLessThanOrEqual(1 + 1e-9)
        }
      }),
    )
  })
})
