"""The messages of the contract, generated from `protos/sweepd/v1`; stubs are in the `*_service_pb2_grpc` modules."""

from sweepd.v1.account_pb2 import *
from sweepd.v1.account_service_pb2 import *
from sweepd.v1.agent_command_pb2 import *
from sweepd.v1.agent_pb2 import *
from sweepd.v1.agent_report_pb2 import *
from sweepd.v1.agent_service_pb2 import *
from sweepd.v1.error_reason_pb2 import *
from sweepd.v1.explanation_pb2 import *
from sweepd.v1.importance_pb2 import *
from sweepd.v1.lane_pb2 import *
from sweepd.v1.metric_pb2 import *
from sweepd.v1.metric_service_pb2 import *
from sweepd.v1.pairing_pb2 import *
from sweepd.v1.parameter_value_pb2 import *
from sweepd.v1.prior_run_pb2 import *
from sweepd.v1.run_details_pb2 import *
from sweepd.v1.run_file_pb2 import *
from sweepd.v1.run_pb2 import *
from sweepd.v1.run_service_pb2 import *
from sweepd.v1.server_service_pb2 import *
from sweepd.v1.suggestion_service_pb2 import *
from sweepd.v1.sweep_pb2 import *
from sweepd.v1.sweep_service_pb2 import *
from sweepd.v1.sweep_spec_pb2 import *
