using CrnMlNet.Torch.Inference;
using CrnMlNet.Torch.Networks;

namespace CrnMlNet.Torch.Tests.Inference;

public sealed class NetworkLifetimeTests
{
    private readonly CascadedRefinementNetwork _network = new(new() { Channels = 2, Height = 16, Width = 16, WidthFactor = 1.0 / 64 });

    [Fact]
    public void TheLastUseFreesTheNetwork()
    {
        var weight = _network.get_parameter("conv100.weight")!;
        var lifetime = new NetworkLifetime(_network);
        using (lifetime.Enter(this))
        {
            using (lifetime.Enter(this))
            {
                Assert.False(lifetime.IsDisposed);
                lifetime.Dispose();
                lifetime.Dispose();
                Assert.True(lifetime.IsDisposed);
                Refused(lifetime);
            }

            Assert.False(weight.IsInvalid);
            Refused(lifetime);
        }

        Assert.True(weight.IsInvalid);
        Refused(lifetime);
        lifetime.Dispose();
    }

    [Fact]
    public void WithoutAUseItIsFreedAtOnce()
    {
        var weight = _network.get_parameter("conv100.weight")!;
        var lifetime = new NetworkLifetime(_network);
        using (lifetime.Enter(this))
            Assert.False(weight.IsInvalid);
        Assert.False(weight.IsInvalid);

        lifetime.Dispose();

        Assert.True(weight.IsInvalid);
    }

    private void Refused(NetworkLifetime lifetime)
        => Assert.Equal(typeof(NetworkLifetimeTests).FullName, Assert.Throws<ObjectDisposedException>(() => lifetime.Enter(this).Dispose()).ObjectName);
}
