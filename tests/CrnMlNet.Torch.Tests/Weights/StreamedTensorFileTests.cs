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
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void SixtyFourMebibytesTakeAFew(bool isZip, bool isTransposedAndConverted)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var elements = new Dictionary<long, float> { [0] = 1, [1] = 2, [Side] = 3, [(long)Side * Side - 1] = 4 };
        var written = new PthWriter.Tensor("w", [Side, Side], elements.GetValueOrDefault);
        if (isZip)
            PthWriter.WriteZip(folder["large.pth"], written);
        else
            PthWriter.WriteLegacy(folder["large.pth"], written);
        var parameter = ones(Side, Side, isTransposedAndConverted ? ScalarType.BFloat16 : ScalarType.Float32);

        var memory = new PeakMemory();
        using (var file = TensorFile.Open(folder["large.pth"]))
            file.ReadInto("w", isTransposedAndConverted ? parameter.t() : parameter);

        memory.AssertBelow(16L << 20);
        var read = isTransposedAndConverted ? parameter.t() : parameter;
        Assert.Equal([1, 2, 3, 4], new[] { read[0, 0], read[0, 1], read[1, 0], read[-1, -1] }.Select(value => value.to(ScalarType.Float32).item<float>()));
        Assert.Equal(4, read.count_nonzero().item<long>());
    }
}
