"""Instructions that call a customer who has hung up. Pure."""

from holdfast.ivr_routing.v1 import instruction_pb2 as pb
from holdfast.ivr_routing.v1 import phone_system_service_pb2 as asking


def calls_back(instruction: pb.Instruction) -> bool:
    """Whether an instruction calls a customer who hung up."""
    return any(step.HasField("redial") for step in instruction.then)


def unsupported(instruction: pb.Instruction) -> asking.AcknowledgeInstructionRequest:
    """Say that an instruction cannot be carried out: here this customer, whose call is over, cannot be called."""
    return asking.AcknowledgeInstructionRequest(
        contact_id=instruction.contact_id,
        instruction_id=instruction.instruction_id,
        status=pb.INSTRUCTION_STATUS_UNSUPPORTED,
        cause="redial",
    )
