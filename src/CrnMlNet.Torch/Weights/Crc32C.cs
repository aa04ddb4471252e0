using System.Buffers.Binary;
using System.Numerics;

namespace CrnMlNet.Torch.Weights;

/// <summary>The CRC of LevelDB and TensorFlow: CRC-32C (Castagnoli; RFC 3720, appendix B.4), stored masked.</summary>
internal static class Crc32C
{
    /// <summary>The CRC of some bytes and those that follow.</summary>
    /// <param name="crc">The CRC of what comes before, 0 for nothing.</param>
    /// <param name="bytes">What follows.</param>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        crc = ~crc;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (byte value in bytes)
            crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }

    /// <summary>How a CRC is stored beside the bytes that it is of (TensorFlow's <c>crc32c::Mask</c>).</summary>
    public static uint Mask(uint crc) => BitOperations.RotateRight(crc, 15) + 0xa282ead8;
}
