using CrnMlNet.Torch.Networks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace CrnMlNet.Benchmarks;

/// <summary>
/// The training step that anyone would write with TorchSharp: the cascade, VGG-19, the weighted L1 distances of their taps, and
/// <c>torch.optim.Adam</c>, all of libtorch's operators.
/// </summary>
internal sealed class PlainTraining : IDisposable
{
    private readonly IReadOnlyList<ModuleShape> _shapes;
    private readonly Dictionary<string, Parameter> _parameters;
    private readonly IReadOnlyDictionary<string, Tensor> _vgg19;
    private readonly Vgg19Normalisation _normalisation;
    private readonly optim.Optimizer _adam;

    /// <param name="network">Whose weights to begin with; they are copied.</param>
    /// <param name="perception">VGG-19, which is only read.</param>
    /// <param name="learningRate">Adam's.</param>
    /// <param name="apart">By which share of itself each weight begins larger.</param>
    public PlainTraining(CascadedRefinementNetwork network, Vgg19 perception, double learningRate, double apart = 0)
    {
        _shapes = network.Cascade.Modules();
        _parameters = network.named_parameters().ToDictionary(named => named.name, named => new Parameter(named.parameter.detach() * (1 + apart)));
        (_vgg19, _normalisation) = (perception.Weights, perception.Source.Normalisation);
        _adam = optim.Adam(_parameters.Values, learningRate);
    }

    /// <summary>A step.</summary>
    /// <param name="layouts">The layouts at each module's resolution <c>[N, c, rows, columns]</c>.</param>
    /// <param name="photos">The photos <c>[N, 3, H, W]</c>, 0 to 255.</param>
    /// <param name="weights">The weight of the image and of each tap.</param>
    /// <returns>The loss.</returns>
    public float Step(IReadOnlyList<Tensor> layouts, Tensor photos, IReadOnlyList<double> weights)
    {
        using var scope = NewDisposeScope();
        _adam.zero_grad();
        var images = Paint(layouts);
        Tensor[] real;
        using (no_grad())
            real = [photos, .. Look(photos)];
        Tensor[] synthesized = [images, .. Look(images)];
        var loss = real.Zip(synthesized, (a, b) => (a - b).abs().mean()).Zip(weights, (distance, weight) => distance * weight).Aggregate((sum, term) => sum + term);
        loss.backward();
        _adam.step();
        return loss.item<float>();
    }

    public void Dispose()
    {
        _adam.Dispose();
        foreach (var parameter in _parameters.Values)
            parameter.Dispose();
    }

    private Tensor Paint(IReadOnlyList<Tensor> layouts)
    {
        Tensor? features = null;
        for (int i = 0; i < _shapes.Count; i++)
        {
            var shape = _shapes[i];
            var x = features is null
                ? layouts[i]
                : cat([nn.functional.interpolate(features, [shape.Rows, shape.Columns], mode: InterpolationMode.Bilinear, align_corners: true), layouts[i]], 1);
            for (int half = 1; half <= 2; half++)
            {
                string name = $"g_{shape.Rows}.";
                x = nn.functional.conv2d(x, _parameters[$"{name}conv{half}.weight"], padding: [1, 1]);
                x = nn.functional.group_norm(x, 1, _parameters[$"{name}norm{half}.weight"], _parameters[$"{name}norm{half}.bias"], 1e-12);
                x = nn.functional.leaky_relu(x, 0.2);
            }

            features = x;
        }

        var planes = nn.functional.conv2d(features!, _parameters["conv100.weight"], _parameters["conv100.bias"]);
        return (planes + 1) / 2 * 255;
    }

    private List<Tensor> Look(Tensor images)
    {
        var taps = new List<Tensor>();
        var x = _normalisation.Apply(images);
        for (int block = 1; block <= 5; block++)
        {
            if (block > 1)
                x = nn.functional.avg_pool2d(x, 2, ceil_mode: true);
            for (int convolution = 1; _vgg19.TryGetValue($"conv{block}_{convolution}.weight", out var filters); convolution++)
            {
                x = nn.functional.relu(nn.functional.conv2d(x, filters, _vgg19[$"conv{block}_{convolution}.bias"], padding: [1, 1]));
                if (convolution == 2)
                    taps.Add(x);
            }
        }

        return taps;
    }
}
