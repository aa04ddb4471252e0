using CrnMlNet.Torch.Training;
using CrnMlNet.Torch.Weights;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Training;

public sealed class AdamStateTests
{
    private static readonly Dictionary<string, long[]> Shapes = new() { ["a"] = [2, 1], ["b"] = [], ["c"] = [3] };

    [Fact]
    public void WhatIsWrittenIsRead()
    {
        using var scope = NewDisposeScope();
        using var stream = new MemoryStream();
        using var state = new AdamState(new Dictionary<string, AdamMoments>
        {
            ["a"] = new(tensor([1f, 2f]).reshape(2, 1), tensor([3f, 4f]).reshape(2, 1), 87_296),
            ["b"] = new(tensor(5f), tensor(6f), 0),
        });

        state.Write(stream);
        stream.Position = 0;
        using var read = AdamState.Read(stream, Shapes);

        Assert.Equal(["a", "b"], read.Moments.Keys.Order());
        Assert.Equal((87_296L, 0L), (read.Moments["a"].Steps, read.Moments["b"].Steps));
        Assert.Equal([1f, 2f, 3f, 4f], [.. read.Moments["a"].Mean.data<float>(), .. read.Moments["a"].Square.data<float>()]);
        Assert.Equal((5f, 6f), (read.Moments["b"].Mean.item<float>(), read.Moments["b"].Square.item<float>()));
        Assert.Equal([2L, 1L], read.Moments["a"].Square.shape);
    }

    [Fact]
    public void WhatIsNoStateOfTheNetworkIsRefusedByName()
    {
        using var scope = NewDisposeScope();
        var (mean, square, steps) = (zeros(3), ones(3), tensor(7L));

        Assert.Contains("'d', which is no parameter", Refused(("mean.d", mean), ("square.d", square), ("steps.d", steps)));
        Assert.Contains("lacks 'square.c'", Refused(("mean.c", mean), ("steps.c", steps)));
        Assert.Contains("'mean.c' as Float32 [4]; Float32 [3] is expected", Refused(("mean.c", zeros(4)), ("square.c", square), ("steps.c", steps)));
        Assert.Contains("'steps.c' as Float32 []; Int64 [] is expected", Refused(("mean.c", mean), ("square.c", square), ("steps.c", tensor(7f))));
        Assert.Contains("'c' was changed -1 times", Refused(("mean.c", mean), ("square.c", square), ("steps.c", tensor(-1L))));
        Assert.Contains("has 4 tensors", Refused(("mean.c", mean), ("square.c", square), ("steps.c", steps), ("more", mean)));
    }

    private static string Refused(params (string, Tensor)[] tensors)
    {
        using var stream = new MemoryStream();
        Safetensors.Write(stream, tensors);
        stream.Position = 0;
        return Assert.Throws<FormatException>(() => AdamState.Read(stream, Shapes)).Message;
    }
}
