import React from 'react'
import type { Leaf } from '../datasource/leaf.ts'

export const Bad = ({ leaf }: { leaf: Leaf }) => <b title="JSX must be read too">{leaf}</b>
