import fc from 'fast-check';
import './patient-waits.ts';
import { propertySeed } from './property-runs.ts';

const seed = propertySeed();
fc.configureGlobal(seed === null ? {} : { seed });
