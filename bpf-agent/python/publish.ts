// How does the kernel learn where an interpreter's frames are? A row of `pythons` per run of mappings, as the object's
// own manifest lays it out.
import { updateElem } from '../kernel/maps.ts'
import { constantOf, type ObjectSpec, offsetOf, sizeOf } from '../kernel/object-spec.ts'
import type { PythonFile } from './python-file.ts'

export interface LoadedPythons {
  readonly spec: ObjectSpec
  mapFd(name: string): number
}

/** Writes row `index`.  in  bias  address in memory minus address in the file.  throws  SyscallError */
export function publishPython(
  { spec, mapFd }: LoadedPythons,
  index: number,
  { file, bias }: { readonly file: PythonFile; readonly bias: number },
): void {
  const layout = file.layout
  if (layout === undefined) throw new Error('an interpreter without a layout cannot be published')
  const row = Buffer.alloc(sizeOf(spec, 'python'))
  const at = (field: string) => offsetOf(spec, 'python', field)
  const address = (field: string, value: number) => row.writeBigUInt64LE(BigInt(value), at(field))
  const u32 = (field: string, value: number) => row.writeUInt32LE(value, at(field))
  const u8 = (field: string, value: number) => row.writeUInt8(value, at(field))
  address('interpreters', file.runtime + bias + layout.interpreters)
  address('loop_start', file.loop.start + bias)
  address('loop_end', file.loop.end + bias)
  address('cold_start', file.cold.end === 0 ? 0 : file.cold.start + bias)
  address('cold_end', file.cold.end === 0 ? 0 : file.cold.end + bias)
  u32('interpreter_next', layout.interpreterNext)
  u32('interpreter_threads', layout.interpreterThreads)
  u32('thread_next', layout.threadNext)
  u32('thread_id', layout.threadId)
  u32('thread_frame', layout.threadFrame)
  row.writeUInt16LE(layout.code.instructions, at('code_instructions'))
  u8('kind', constantOf(spec, 'python_kind', layout.kind))
  u8('is_indirect', layout.isIndirect ? 1 : 0)
  u8('frame_bytes', layout.frame.bytes)
  u8('frame_code', layout.frame.code)
  u8('frame_back', layout.frame.back)
  u8('frame_instruction', layout.frame.instruction)
  u8('frame_entry', layout.frame.entry)
  u8('unit_shift', layout.frame.unitShift)
  u8('loop_begins', file.loopBegins)
  const key = Buffer.alloc(4)
  key.writeUInt32LE(index)
  updateElem(mapFd('pythons'), key, row)
}
