using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Networks;

/// <summary>Moves numbers between a network and the plain loops of <see cref="Networks.Maps"/>.</summary>
internal static class Parameters
{
    /// <summary>Draws all parameters, the normalisations' too, so that none can be left out unnoticed.</summary>
    public static void Randomise(nn.Module module, Generator generator)
    {
        using var _ = no_grad();
        foreach (var parameter in module.parameters())
        {
            double spread = parameter.dim() == 4 ? Math.Sqrt(2.0 / parameter.shape.Skip(1).Aggregate((a, b) => a * b)) : 0.5;
            parameter.normal_(parameter.dim() == 4 ? 0 : 0.3, spread, generator);
        }
    }

    public static double[] Values(nn.Module module, string name) =>
        module.get_parameter(name)!.detach().to(ScalarType.Float64).contiguous().data<double>().ToArray();

    /// <summary>Sample n of a batch [N, C, H, W].</summary>
    public static Maps Maps(Tensor batch, int n)
    {
        int rows = (int)batch.shape[2], columns = (int)batch.shape[3];
        var values = batch[n].detach().to(ScalarType.Float64).contiguous().data<double>().ToArray();
        return Networks.Maps.Of((int)batch.shape[1], rows, columns, (c, y, x) => values[(c * rows + y) * columns + x]);
    }
}
