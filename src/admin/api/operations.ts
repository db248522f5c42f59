/** The one table of what the administration can do. Routes, description and the test of who may do what are made from it. */

import { serviceAccountOperations, userOperations } from './account-operations.ts';
import { additionOperations } from './addition-operations.ts';
import { apiKeyOperations } from './api-key-operations.ts';
import { approvalOperations } from './approval-operations.ts';
import { authorizationOperations } from './authorization-operations.ts';
import { changeOperations } from './change-operations.ts';
import { clientOperations } from './client-operations.ts';
import { clientSettingsOperation } from './client-settings.ts';
import { serviceAccountDeparture, userDeparture } from './departure-operations.ts';
import { doctorOperation } from './doctor-operation.ts';
import { eventReceiverOperations } from './event-receiver-operations.ts';
import { invitationOperations } from './invitation-operations.ts';
import { mcpServerOperations } from './mcp-server-operations.ts';
import type { Operation } from './operation.ts';
import { overviewOperation } from './overview-operation.ts';
import { policyOperations } from './policy-operations.ts';
import { projectOperations } from './project-operations.ts';
import { resourceServerOperations } from './resource-server-operations.ts';
import { roleOperations } from './role-operations.ts';
import { serviceAccountClientOperations } from './service-account-clients.ts';
import { sessionOperations } from './session-operations.ts';
import { signInOperations } from './sign-in-operations.ts';
import { simulateOperation } from './simulate-operation.ts';

export const operations: readonly Operation[] = [
  overviewOperation,
  ...Object.values(userOperations),
  ...Object.values(invitationOperations),
  ...Object.values(userDeparture),
  ...Object.values(sessionOperations),
  ...Object.values(signInOperations),
  ...Object.values(serviceAccountOperations),
  ...Object.values(serviceAccountDeparture),
  ...Object.values(serviceAccountClientOperations),
  ...Object.values(roleOperations),
  ...Object.values(projectOperations),
  ...Object.values(mcpServerOperations),
  ...Object.values(clientOperations),
  clientSettingsOperation,
  ...Object.values(resourceServerOperations),
  ...Object.values(eventReceiverOperations),
  ...Object.values(authorizationOperations),
  ...Object.values(additionOperations),
  ...Object.values(apiKeyOperations),
  ...Object.values(policyOperations),
  ...Object.values(approvalOperations),
  simulateOperation,
  doctorOperation,
  ...Object.values(changeOperations),
];
