using CrnMlNet.Torch.Layouts;
using CrnMlNet.Torch.Objectives;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Objectives;

public sealed class ClassMeanColoursTests
{
    [Fact]
    public void EachClassIsPaintedInItsMeanOfThatPhoto()
    {
        using var scope = NewDisposeScope();
        var layouts = SemanticLayout.OneHot(tensor(new byte[] { 0, 0, 1, 0, /**/ 1, 1, 1, 1 }, 2, 2, 2), 3);
        var photos = tensor(
            new float[]
            {
                10, 20, 200, 60, /**/ 0, 0, 7, 3, /**/ 1, 1, 1, 1,
                0, 0, 0, 4, /**/ 8, 8, 8, 8, /**/ 255, 0, 255, 0,
            }, 2, 3, 2, 2);

        var painting = ClassMeanColours.Paint(layouts, photos);

        Assert.Equal([2, 3, 2, 2], painting.shape);
        Assert.Equal(
            [
                30, 30, 200, 30, 1, 1, 7, 1, 1, 1, 1, 1,
                1, 1, 1, 1, 8, 8, 8, 8, 127.5f, 127.5f, 127.5f, 127.5f,
            ],
            painting.data<float>().ToArray());
    }
}
