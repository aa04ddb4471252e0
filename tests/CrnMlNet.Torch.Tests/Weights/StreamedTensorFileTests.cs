using System.Text;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Weights;

/// <summary>What is read goes from the file into the tensor that is there already, whatever its size.</summary>
[Collection(RunAlone.Name)]
public class StreamedTensorFileTests
{
    private const int Side = 1 << 12;

    public StreamedTensorFileTests() => TorchBackend.Start();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void SixtyFourMebibytesTakeAFew(bool isTransposedAndConverted)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        WriteLegacyFile(folder["large.pth"], [(0, 1f), (1, 2f), (Side, 3f), ((long)Side * Side - 1, 4f)]);
        var parameter = ones(Side, Side, isTransposedAndConverted ? ScalarType.BFloat16 : ScalarType.Float32);

        var memory = new PeakMemory();
        using (var file = TensorFile.Open(folder["large.pth"]))
            file.ReadInto("w", isTransposedAndConverted ? parameter.t() : parameter);

        memory.AssertBelow(16L << 20);
        var read = isTransposedAndConverted ? parameter.t() : parameter;
        Assert.Equal([1, 2, 3, 4], new[] { read[0, 0], read[0, 1], read[1, 0], read[-1, -1] }.Select(value => value.to(ScalarType.Float32).item<float>()));
        Assert.Equal(4, read.count_nonzero().item<long>());
    }

    /// <summary>Zeros but for some elements, which take hardly a page of the disk.</summary>
    private static void WriteLegacyFile(string path, (long Index, float Value)[] elements)
    {
        var pickles =
            "\u0080\u0002\u008a\nl\u00fc\u009cF\u00f9 j\u00a8P\u0019.\u0080\u0002M\u00e9\u0003.\u0080\u0002}.\u0080\u0002}U\u0001wctorch._utils\n_rebuild_tensor_v2\n((U\u0007storagectorch\nFloatStorage\n" +
            "U\u00010U\u0003cpuJ\0\0\0\u0001NtQK\0M\0\u0010M\0\u0010\u0086M\0\u0010K\u0001\u0086\u0089NtRs.\u0080\u0002]U\u00010a.";
        using var file = File.Create(path);
        file.Write(Encoding.Latin1.GetBytes(pickles));
        file.Write(BitConverter.GetBytes((long)Side * Side));
        var start = file.Position;
        file.SetLength(start + 4L * Side * Side);
        foreach (var (index, value) in elements)
        {
            file.Position = start + 4 * index;
            file.Write(BitConverter.GetBytes(value));
        }
    }
}
