// How does a host hear what the reader changes while looking? By an event on the panel's bus, and only a host that has a
// place for it listens: the viewer, which puts it in its address.
import { BusEventWithPayload } from '@grafana/data'
import type { PrintedView } from '../flamegraph/view-text.ts'

export class ViewChangedEvent extends BusEventWithPayload<PrintedView> {
  static readonly type = 'flametrail-view'
}
